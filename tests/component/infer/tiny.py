"""Real bundles of the series family, tiny and untrained, made by the code that makes trained ones."""

from __future__ import annotations

from pathlib import Path

import torch

from shared.contracts.kinds import Kind
from shared.contracts.manifest import Manifest
from shared.contracts.versions import BaseVersion, ModelVersion
from shared.modeling.bases import base_files, build_base, content_digest, load_base
from shared.modeling.bundle import FULL, LORA, BaseIdentity, BundleInfo
from shared.modeling.certificate import certify, save_certificate
from shared.modeling.lora import LoraSpec, add_adapters
from shared.modeling.predictor import find_loader
from shared.modeling.series.network import SeriesLM
from shared.modeling.series.spec import SeriesSpec
from shared.modeling.series.storage import save_network
from shared.ports import ArtifactStore

BASE = "tiny-qwen"


class TinyModels:
    """Makes bases and bundles and stores them as svc_train does."""

    def __init__(self, root: Path, artifacts: ArtifactStore) -> None:
        self.root = root
        self.artifacts = artifacts
        self.base_dir = root / "base"
        build_base(BASE, self.base_dir)
        self.base = self._store(Kind.BASE, base_files(self.base_dir))

    def other_base(self) -> Manifest:
        """The same architecture with one weight changed: another base."""
        files = base_files(self.base_dir)
        changed = self.root / "changed.safetensors"
        data = bytearray(files["model.safetensors"].read_bytes())
        data[-1] ^= 1
        changed.write_bytes(data)
        return self._store(Kind.BASE, {**files, "model.safetensors": changed})

    def bundle(
        self, name: str, *, method: str = FULL, seed: int = 0, base: Manifest | None = None, window: int = 64
    ) -> ModelVersion:
        """A stored version, unnumbered: the run is `name`.

        `base` is what the bundle claims to be trained on; the content it was truly made from stays the same.
        """
        folder = self.root / f"bundle-{name}"
        loaded = load_base(self.base_dir)
        spec = SeriesSpec(window=window, stride=window // 2)
        torch.manual_seed(seed)
        decoder = loaded.decoder
        lora = LoraSpec(rank=4, alpha=8)
        if method == LORA:
            add_adapters(decoder, lora)
        claimed = base or self.base
        info = BundleInfo(
            family="series",
            recipe="series-lm",
            method=method,
            base=BaseIdentity(name=BASE, digest=claimed.digest, content_digest=content_digest(self.base_dir)),
            spec=spec.to_json(),
            lora=lora.to_json() if method == LORA else {},
            hyperparameters={},
            metrics={},
            dtype="float32",
        )
        save_network(folder, info, SeriesLM(decoder, spec).eval(), loaded.tokenizer)
        predictor = find_loader("series")(folder, self.base_dir, "cpu")
        save_certificate(folder, certify(predictor))
        manifest = self._store(Kind.BUNDLE, {path.name: path for path in folder.iterdir()})
        return ModelVersion(
            name="pump",
            version=1,
            run_id=name,
            bundle_digest=manifest.digest,
            base=BaseVersion(name=BASE, digest=claimed.digest),
        )

    def _store(self, kind: Kind, files: dict[str, Path]) -> Manifest:
        return self.artifacts.store(kind=kind, files=files, meta={}, parents=[])
