"""What may be uploaded, and the model version that a bundle is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

from shared.contracts.canonical import check_digest
from shared.contracts.ids import derived_id
from shared.contracts.kinds import Kind
from shared.contracts.lineage import NodeType, base_key, dataset_key, node_type
from shared.contracts.manifest import FileEntry, Manifest, safe_path
from shared.contracts.names import check_name
from shared.contracts.versions import BaseVersion, DatasetVersion
from shared.errors import InvalidInputError
from svc_registry.domain.documents import read_document
from svc_registry.domain.fields import LONGEST_TEXT
from svc_registry.domain.records import NewModel

MAX_FILES = 10_000
MAX_BLOBS_A_CALL = 1000
MAX_PARENTS = 1000
# One PUT takes no more.
MAX_FILE_BYTES = 5 * 2**30
INFO_FILE, CERTIFICATE_FILE = BUNDLE_FILES = ("bundle.json", "certificate.json")
BUNDLE_SCHEMA = "upwell.bundle/v1"
# Nothing that a program would run or unpickle.
BUNDLE_ENDINGS = (".json", ".safetensors", ".txt", ".jinja", ".model")
# These come through svc_train and svc_infer, which know what has to be in them.
NOT_UPLOADED = (Kind.BASE, Kind.PREDICTION)
# The method of a bundle that holds all its weights; the others need their base.
FULL = "full"


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """A version to make of files that were uploaded."""

    name: str
    kind: str
    files: tuple[FileEntry, ...]
    meta: Mapping[str, Any] = field(default_factory=dict)
    parents: tuple[str, ...] = ()


def check_blobs(blobs: Sequence[tuple[str, int]]) -> None:
    """Refuse what cannot be uploaded: (sha256, size in bytes) each."""
    if not 0 < len(blobs) <= MAX_BLOBS_A_CALL:
        raise InvalidInputError.of("blobs", f"{len(blobs)} are asked for: ask for 1 to {MAX_BLOBS_A_CALL}")
    for number, (digest, size_bytes) in enumerate(blobs):
        check_digest(f"blobs[{number}].sha256", digest)
        _check_size(f"blobs[{number}].size_bytes", size_bytes)


def check_upload(upload: Upload) -> None:
    """Refuse what cannot become a version, naming the field."""
    check_name("name", upload.name)
    allowed = [kind for kind in Kind if kind not in NOT_UPLOADED]
    if upload.kind not in allowed:
        raise InvalidInputError.of("kind", f"{upload.kind!r} cannot be uploaded: use one of {', '.join(allowed)}")
    if not 0 < len(upload.files) <= MAX_FILES:
        raise InvalidInputError.of("files", f"there are {len(upload.files)}: a version has 1 to {MAX_FILES}")
    if len(upload.parents) > MAX_PARENTS:
        raise InvalidInputError.of("parents", f"there are {len(upload.parents)}: at most {MAX_PARENTS}")
    for number, entry in enumerate(upload.files):
        safe_path(entry.path)
        check_digest(f"files[{number}].sha256", entry.sha256)
        _check_size(f"files[{number}].size_bytes", entry.size_bytes)
    paths = {entry.path for entry in upload.files}
    if len(paths) != len(upload.files):
        raise InvalidInputError.of("files", "a path is listed twice")
    for parent in upload.parents:
        node_type(parent)
    if upload.kind == Kind.BUNDLE:
        _check_bundle(upload, paths)


def bundle_meta(info: bytes, parents: Sequence[str]) -> dict[str, Any]:
    """What a bundle's `bundle.json` says, for its manifest; InvalidInputError when it does not say it."""
    try:
        body = read_document(info)
    except InvalidInputError as error:
        raise InvalidInputError.of("files", f"{INFO_FILE} cannot be read: {error}") from error
    if not isinstance(body, dict) or body.get("schema") != BUNDLE_SCHEMA:
        raise InvalidInputError.of("files", f"{INFO_FILE} has not the schema {BUNDLE_SCHEMA!r}")
    facts = {name: _text(body, name) for name in ("family", "recipe", "method")}
    return {
        **facts,
        "base": _base(body.get("base"), is_needed=facts["method"] != FULL),
        "dataset": _dataset(parents),
        "metrics": _numbers(body),
        "hyperparameters": _mapping(body, "hyperparameters"),
    }


def uploaded_model(name: str, manifest: Manifest) -> NewModel:
    """The model version that an uploaded bundle is; its run stands for the upload."""
    meta = manifest.meta
    return NewModel(
        name=name,
        run_id=upload_id(name, manifest.digest),
        recipe=meta["recipe"],
        bundle_digest=manifest.digest,
        base=BaseVersion(name=meta["base"]["name"], digest=meta["base"]["digest"]),
        dataset=DatasetVersion(name=meta["dataset"]["name"], digest=meta["dataset"]["digest"]),
        metrics=meta["metrics"],
        # What svc_train stores has none: they stand in what the run said.
        hyperparameters=meta.get("hyperparameters", {}),
    )


def upload_id(name: str, digest: str) -> str:
    """The run of an uploaded bundle: the same bundle under the same name is one version."""
    return derived_id("upload", name, digest)


def bundle_parents(upload: Upload, meta: Mapping[str, Any]) -> tuple[str, ...]:
    """What was named, and the base if there is one."""
    base = meta["base"]["digest"]
    return tuple(sorted({*upload.parents, *([base_key(base)] if base else [])}))


def _check_size(field_name: str, size_bytes: int) -> None:
    if size_bytes > MAX_FILE_BYTES:
        raise InvalidInputError.of(
            field_name, f"{size_bytes} bytes are too many for one upload: split the file into parts of at most 5 GiB"
        )


def _check_bundle(upload: Upload, paths: set[str]) -> None:
    if upload.meta:
        raise InvalidInputError.of("meta", f"leave it empty for a bundle: {INFO_FILE} says it")
    for needed in BUNDLE_FILES:
        if needed not in paths:
            raise InvalidInputError.of(
                "files", f"a bundle has a file {needed}; this one has: {', '.join(sorted(paths))}"
            )
    for path in sorted(paths):
        if PurePosixPath(path).suffix not in BUNDLE_ENDINGS:
            endings = ", ".join(BUNDLE_ENDINGS)
            raise InvalidInputError.of("files", f"{path!r} has no place in a bundle: only {endings} files have")


def _text(body: Mapping[str, Any], name: str) -> str:
    value = body.get(name)
    if not isinstance(value, str) or not 0 < len(value) <= LONGEST_TEXT or not value.isprintable():
        reason = f"{INFO_FILE}: {name!r} has to be a text of 1 to {LONGEST_TEXT} characters, none of them control ones"
        raise InvalidInputError.of("files", reason)
    return value


def _numbers(body: Mapping[str, Any]) -> dict[str, float]:
    metrics = _mapping(body, "metrics")
    if not all(type(value) in {int, float} for value in metrics.values()):
        raise InvalidInputError.of("files", f"{INFO_FILE}: 'metrics' has to hold numbers by name")
    return metrics


def _mapping(body: Mapping[str, Any], name: str) -> dict[str, Any]:
    value = body.get(name, {})
    if not isinstance(value, dict):
        raise InvalidInputError.of("files", f"{INFO_FILE}: {name!r} has to hold values by name")
    return value


def _base(base: object, *, is_needed: bool) -> dict[str, str]:
    """Name and digest; both are empty for a model that says it stands on no base."""
    if base is None and not is_needed:
        return {"name": "", "digest": ""}
    body = base if isinstance(base, dict) else {}
    return {"name": _text(body, "name"), "digest": check_digest("files", _text(body, "digest"))}


def _dataset(parents: Sequence[str]) -> dict[str, str]:
    found = [parent for parent in parents if node_type(parent) is NodeType.DATASET]
    if len(found) > 1:
        raise InvalidInputError.of("parents", f"a bundle is trained on one dataset, here are: {', '.join(found)}")
    if not found:
        return {"name": "", "digest": ""}
    name, _, digest = found[0].removeprefix(f"{NodeType.DATASET}/").rpartition("/")
    if dataset_key(check_name("parents", name), check_digest("parents", digest)) != found[0]:
        raise InvalidInputError.of("parents", f"{found[0]!r} is no dataset's key: write dataset/NAME/DIGEST")
    return {"name": name, "digest": digest}
