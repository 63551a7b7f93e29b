"""The `ModelLoader` port: bundles from the object store, through a folder on disk, into memory."""

from __future__ import annotations

from pathlib import Path

import torch

from shared.contracts.kinds import Kind
from shared.contracts.versions import ModelVersion
from shared.errors import IntegrityError
from shared.modeling.bundle import BundleInfo, read_info
from shared.modeling.predictor import load_predictor
from shared.modeling.series.predictor import FAMILY as SERIES
from shared.modeling.series.spec import parse_spec
from shared.modeling.text.predictor import FAMILY as TEXT
from svc_infer.adapters.cache import ArtifactCache
from svc_infer.adapters.series_model import SeriesModel
from svc_infer.adapters.text_model import ConversingModel
from svc_infer.domain.chunks import Reach


class BundleLoader:
    """Loads versions; every digest is verified and the certificate replayed each time.

    Args:
        cache: where bundles and bases come from.
        device: a torch device such as `cpu` or `cuda:0`.
    """

    def __init__(self, cache: ArtifactCache, *, device: str) -> None:
        self._cache = cache
        self._device = device

    def load(self, version: ModelVersion) -> SeriesModel | ConversingModel:
        """A certified version; see the port."""
        folder = self._cache.folder(version.bundle_digest, kind=Kind.BUNDLE)
        info = read_info(folder)
        if info.family not in (SERIES, TEXT):
            reason = f"this server answers for {SERIES!r} and {TEXT!r}"
            raise IntegrityError(f"The bundle is of the family {info.family!r}; {reason}")
        predictor = load_predictor(folder, self._base_folder(version, info), device=self._device)
        if info.family == TEXT:
            return ConversingModel(version, predictor)
        spec = parse_spec(info.spec)
        return SeriesModel(version, predictor, Reach(window=spec.window, stride=spec.stride))

    def _base_folder(self, version: ModelVersion, info: BundleInfo) -> Path | None:
        """The base that the bundle needs; the digest in the bundle has to be the one that the registry knows."""
        if info.base is None or not info.needs_base:
            return None
        if info.base.digest != version.base.digest:
            raise IntegrityError(
                f"The bundle was trained on the base {info.base.name!r} ({info.base.digest[:12]}); the registry says "
                f"{version.base.name!r} ({version.base.digest[:12] or 'none'})"
            )
        return self._cache.folder(info.base.digest, kind=Kind.BASE)


def use_threads(count: int) -> None:
    """Threads that torch computes with, in this process."""
    torch.set_num_threads(count)
