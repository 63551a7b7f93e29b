"""A bundle: the folder that a model version is. JSON, safetensors and tokenizer files; nothing that executes.

- bundle.json: what it is (see `BundleInfo`)
- certificate.json: golden inputs and what the trained model answered (see `certificate.py`)
- config.json: architecture of the language model (full only; an adapter has its base for that)
- model.safetensors: all weights (full), or
- adapter.safetensors and heads.safetensors: the adapters, and every other trained weight (lora)
- heads.safetensors alone: what was trained beside a base that stays as it is (frozen)
- tokenizer.json and its like: the tokenizer, where the model reads text
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor
from transformers import AutoTokenizer

from shared.contracts.canonical import canonical_json, digest_of, sha256_hex
from shared.errors import IntegrityError
from shared.modeling.bases import TOKENIZER_FILES, content_digest

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

SCHEMA = "upwell.bundle/v1"
INFO_FILE = "bundle.json"
CONFIG_FILE = "config.json"
MODEL_FILE = "model.safetensors"
ADAPTER_FILE = "adapter.safetensors"
HEADS_FILE = "heads.safetensors"
FULL, LORA, FROZEN = "full", "lora", "frozen"
METHODS = (FULL, LORA, FROZEN)


@dataclass(frozen=True, slots=True, kw_only=True)
class BaseIdentity:
    """The base a model was trained on.

    Args:
        name: its name.
        digest: of its manifest: the key under which the registry knows it.
        content_digest: of its files' bytes alone, computable from a folder (see `bases.content_digest`).
    """

    name: str
    digest: str
    content_digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BundleInfo:
    """What `bundle.json` says.

    Args:
        family: which predictor loads it: a name in the entry point group `upwell.predictors`.
        recipe: which recipe made it.
        method: `full` (all weights are here), `lora` (adapters for the base), `frozen` (what stands beside the base).
        base: the base it was trained on; an adapter works with no other. None for a model that stands on none.
        spec: the family's own description of the network and its answers, label names included.
        lora: the adapters' shape; empty for the other methods.
        hyperparameters: all of the run's, defaults included.
        metrics: numbers measured on the held-out split.
        dtype: of the stored weights, e.g. `float32`.
    """

    family: str
    recipe: str
    method: str
    base: BaseIdentity | None
    spec: Mapping[str, Any]
    lora: Mapping[str, Any]
    hyperparameters: Mapping[str, Any]
    metrics: Mapping[str, float]
    dtype: str

    @property
    def labels(self) -> tuple[str, ...]:
        """What the model can call things, in the order of its outputs; empty for a family without labels."""
        return tuple(self.spec.get("labels", ()))

    @property
    def needs_base(self) -> bool:
        """Whether it cannot be loaded without its base."""
        return self.method != FULL


def save_bundle(
    folder: Path,
    info: BundleInfo,
    *,
    tensors: Mapping[str, Mapping[str, Tensor]],
    tokenizer: PreTrainedTokenizerBase | None,
    config: Mapping[str, Any] | None = None,
) -> None:
    """Write everything but the certificate.

    Args:
        folder: made when it is not there.
        info: written as `bundle.json`.
        tensors: file name -> tensors by name.
        tokenizer: saved in Hugging Face layout; None for a model that reads no text.
        config: the language model's configuration, for a bundle that needs no base.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if tokenizer is not None:
        tokenizer.save_pretrained(folder)
    for name, named in tensors.items():
        save_file({key: tensor.detach().cpu().contiguous() for key, tensor in named.items()}, folder / name)
    if config is not None:
        _write_json(folder / CONFIG_FILE, config)
    _write_json(folder / INFO_FILE, {"schema": SCHEMA, **asdict(info)})
    for path in folder.iterdir():
        # safetensors writes files that only their owner can read; a server often runs under another user.
        path.chmod(0o644)


def read_info(folder: Path) -> BundleInfo:
    """Read `bundle.json`; IntegrityError when it is absent, of another schema, or not what it should be."""
    body = read_json(folder / INFO_FILE)
    if body.get("schema") != SCHEMA:
        raise IntegrityError(f"The bundle has the schema {body.get('schema')!r}; this release reads {SCHEMA!r}")
    names = {field.name for field in fields(BundleInfo)}
    if set(body) - {"schema"} != names:
        raise IntegrityError(f"{INFO_FILE} has the fields {sorted(body)}; this release reads {sorted(names)}")
    if body["method"] not in METHODS:
        raise IntegrityError(f"The bundle's method is {body['method']!r}; this release reads {', '.join(METHODS)}")
    try:
        base = None if body["base"] is None else BaseIdentity(**body["base"])
    except TypeError as error:
        raise IntegrityError(f"{INFO_FILE} does not name its base rightly: {body['base']!r}") from error
    info = BundleInfo(**{name: body[name] for name in names} | {"base": base})
    if info.needs_base and base is None:
        raise IntegrityError(f"The bundle's method is {info.method!r}, and {INFO_FILE} names no base")
    return info


def check_base(info: BundleInfo, base_dir: Path | None) -> Path:
    """The base's folder when it is the one the bundle was trained on, else IntegrityError naming both."""
    if info.base is None:
        raise IntegrityError(f"The bundle of the family {info.family!r} stands on no base")
    wanted = f"{info.base.name!r} ({info.base.digest[:12]}, content {info.base.content_digest[:12]})"
    if base_dir is None:
        raise IntegrityError(f"The bundle holds what was trained beside the base {wanted}, and no base was given")
    found = content_digest(base_dir)
    if found != info.base.content_digest:
        raise IntegrityError(f"The bundle was trained on the base {wanted}; this one has the content {found[:12]}")
    return base_dir


def read_tensors(path: Path, *, shapes: Mapping[str, tuple[int, ...]]) -> dict[str, Tensor]:
    """Read a safetensors file that must hold exactly these names and shapes; IntegrityError says what differs."""
    try:
        tensors = load_file(path)
    except FileNotFoundError as error:
        raise IntegrityError(f"The bundle has no file {path.name}") from error
    except SafetensorError as error:
        raise IntegrityError(f"The bundle's file {path.name} is damaged: {error}") from error
    if tensors.keys() != shapes.keys():
        missing, unknown = sorted(shapes.keys() - tensors.keys()), sorted(tensors.keys() - shapes.keys())
        raise IntegrityError(f"{path.name} lacks the tensors {missing[:3]} and has too many: {unknown[:3]}")
    for name, tensor in tensors.items():
        if tuple(tensor.shape) != shapes[name]:
            raise IntegrityError(f"{path.name}: {name} has the shape {tuple(tensor.shape)}, needed is {shapes[name]}")
    return tensors


def read_json(path: Path) -> dict[str, Any]:
    """A JSON object of a bundle; IntegrityError when the file is absent or holds none."""
    try:
        body = json.loads(path.read_bytes())
    except FileNotFoundError as error:
        raise IntegrityError(f"The bundle has no file {path.name}") from error
    except ValueError as error:
        raise IntegrityError(f"The bundle's file {path.name} is damaged: {error}") from error
    if not isinstance(body, dict):
        raise IntegrityError(f"The bundle's file {path.name} holds no JSON object")
    return body


def load_tokenizer(folder: Path) -> PreTrainedTokenizerBase:
    """The bundle's tokenizer; IntegrityError when its files are absent or damaged."""
    if not (folder / "tokenizer.json").is_file():
        raise IntegrityError("The bundle has no file tokenizer.json")
    try:
        return AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    # The libraries below raise errors of many unrelated classes for a damaged file.
    except Exception as error:
        raise IntegrityError(f"The bundle's tokenizer cannot be loaded: {error}") from error


def tokenizer_digest(folder: Path) -> str:
    """One digest over the tokenizer's files, its chat template included; empty where there are none."""
    files = [folder / name for name in TOKENIZER_FILES]
    digests = {path.name: _digest_of_file(path) for path in files if path.is_file()}
    return digest_of(digests) if digests else ""


def _digest_of_file(path: Path) -> str:
    try:
        return digest_of(path.read_text(encoding="utf-8"))
    except UnicodeDecodeError:  # a sentencepiece model, `tokenizer.model`
        return sha256_hex(path.read_bytes())


def _write_json(path: Path, body: Mapping[str, Any]) -> None:
    path.write_bytes(canonical_json(body) + b"\n")
