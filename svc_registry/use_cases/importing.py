"""Histories from elsewhere become versions of the catalogue."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from shared.contracts.canonical import check_digest
from shared.contracts.kinds import Kind
from shared.contracts.manifest import safe_path
from shared.contracts.versions import ModelRef
from shared.errors import FieldViolation, InvalidInputError, NotFoundError
from shared.ports import ArtifactStore
from svc_registry.domain.agreement import contradictions, takes_a_place
from svc_registry.domain.documents import raise_if, read_document
from svc_registry.domain.events import HistoryImported, ModelRegistered
from svc_registry.domain.graph import Graph
from svc_registry.domain.history import (
    HistoryFile,
    ImportedVersion,
    ImportResult,
    to_text,
)
from svc_registry.domain.imported import graph_of_imported, joined, version_of
from svc_registry.domain.records import ModelRecord
from svc_registry.domain.training_info import TrainingInfo, parse_training_info
from svc_registry.ports import Histories, RegistryStore, RegistryTransaction

LONGEST_PATH = 500
# Where the manifest of a file has its text.
TEXT = "training_info"


@dataclass(frozen=True, slots=True, kw_only=True)
class SentFile:
    """A file to import; `checkpoint_digest` is the manifest of its stored checkpoint, or empty."""

    path: str
    content: bytes
    checkpoint_digest: str = ""


def import_histories(
    store: RegistryStore, artifacts: ArtifactStore, files: Sequence[SentFile], *, imported_by: str
) -> Sequence[ImportResult]:
    """What became of each file, in their order; one that is refused hinders no other.

    Short histories go in first, so that the versions of a longer one that begins with them have their own names.
    """
    results: dict[int, ImportResult] = {}
    parsed: list[tuple[int, SentFile, TrainingInfo, Sequence[FieldViolation]]] = []
    for place, file in enumerate(files):
        try:
            info, remarks = _read(artifacts, file)
            parsed.append((place, file, info, remarks))
        except InvalidInputError as error:
            results[place] = ImportResult(path=file.path, wrong=error.violations)
    for place, file, info, remarks in sorted(parsed, key=lambda each: len(each[2].entries)):
        try:
            with store.transaction() as tx:
                results[place] = replace(_enter(tx, artifacts, file, info, imported_by), remarks=remarks)
        except InvalidInputError as error:
            results[place] = ImportResult(path=file.path, wrong=error.violations, remarks=remarks)
    return [results[place] for place in range(len(files))]


def _read(artifacts: ArtifactStore, file: SentFile) -> tuple[TrainingInfo, Sequence[FieldViolation]]:
    safe_path(file.path)
    if len(file.path) > LONGEST_PATH or not file.path.isprintable():
        raise InvalidInputError.of("path", f"must have at most {LONGEST_PATH} characters, none of them control ones")
    parsed = parse_training_info(read_document(file.content))
    if file.checkpoint_digest:
        try:
            artifacts.manifest(check_digest("checkpoint_digest", file.checkpoint_digest))
        except NotFoundError as error:
            raise InvalidInputError.of("checkpoint_digest", f"{error}: store the checkpoint first") from error
    return parsed


def _stored(artifacts: ArtifactStore, sent: SentFile) -> str:
    """Keep the file in the bucket, where a rebuild of the catalogue reads it; the digest."""
    text = sent.content.decode("utf-8-sig")
    return artifacts.store(kind=Kind.HISTORY, files={}, meta={TEXT: text}, parents=()).digest


def _enter(
    tx: RegistryTransaction, artifacts: ArtifactStore, sent: SentFile, info: TrainingInfo, imported_by: str
) -> ImportResult:
    """Register what is new, and keep the file unless it tells of a version of our own."""
    told = HistoryImported(
        path=sent.path,
        digest="",
        checkpoint_digest=sent.checkpoint_digest,
        imported_by=imported_by,
        imported_at=datetime.now(UTC),
    )
    tx.histories.one_at_a_time()
    keys = info.keys
    known = {record.made.run_id: record for record in tx.models.of_runs(keys)}
    imported = tx.histories.imported(keys)
    standing = tx.histories.file(told.path)
    raise_if([*contradictions(info, keys, known, imported), *takes_a_place(keys, standing)])
    model = _register(tx, info, keys, known)
    if keys[-1] in known and keys[-1] not in imported:
        # The export of a run of ours: the catalogue knows more of it than the file does.
        return ImportResult(path=told.path, model=model)
    is_changed, is_stored = keep_file(tx.histories, told, info, standing)
    if is_changed:
        # Not before: what is stored for a file that is refused, or known already, nothing would ever remove.
        tx.outbox.add(replace(told, digest=_stored(artifacts, sent)))
    return ImportResult(
        path=told.path,
        model=model,
        new_versions=sum(key not in known for key in keys),
        is_new=standing is None,
        is_changed=is_changed,
        checkpoint_missing=not is_stored,
    )


def keep_file(
    histories: Histories, told: HistoryImported, info: TrainingInfo, standing: HistoryFile | None
) -> tuple[bool, bool]:
    """Keep a file and what it says of its last version, which was imported.

    Returns:
        Whether that changed anything, and whether the version's checkpoint is stored.
    """
    file = HistoryFile(path=told.path, run_id=info.keys[-1], document=info.document)
    is_changed = standing is None or to_text(standing.document) != to_text(file.document)
    if is_changed:
        histories.put_file(file, imported_by=told.imported_by, imported_at=told.imported_at)
    stored_now, is_stored = _claim(histories, told, info)
    return is_changed or stored_now, is_stored


def _register(
    tx: RegistryTransaction, info: TrainingInfo, keys: Sequence[str], known: Mapping[str, ModelRecord]
) -> ModelRef:
    """Number the versions that are not known, each going on from the one before; the last one."""
    graphs: list[Graph] = []
    last: ModelRef | None = None
    for place, key in enumerate(keys):
        record = known.get(key) or tx.models.add(version_of(info, place, key, last))
        made = record.made
        last = ModelRef(name=made.name, version=record.version, run_id=key)
        if key not in known:
            tx.histories.add(ImportedVersion(run_id=key, base_model=info.base_model, entry=info.entries[place].raw))
            graphs.append(graph_of_imported(made, record.version))
            tx.outbox.add(ModelRegistered.of(record))
    tx.lineage.add(joined(graphs))
    assert last is not None, "a history has at least one entry"
    return last


def _claim(histories: Histories, told: HistoryImported, info: TrainingInfo) -> tuple[bool, bool]:
    """Give the last version its file's stage and checkpoint; (whether it is stored now, whether it is at all)."""
    key = info.keys[-1]
    kept = histories.imported([key])[key]
    claimed = replace(
        kept,
        checkpoint=info.final_checkpoint or kept.checkpoint,
        checkpoint_digest=told.checkpoint_digest or kept.checkpoint_digest,
    )
    histories.claim(claimed, stage=info.stage)
    return claimed.checkpoint_digest != kept.checkpoint_digest, bool(claimed.checkpoint_digest)
