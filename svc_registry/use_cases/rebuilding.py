"""The catalogue made again from what the streams and the bucket remember.

Numbers, times and names come from what the registry announced; the rest from the manifests, and from what runs and
prediction jobs said when they ended. `*.produced` is never replayed: it would number versions again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from shared.contracts.lineage import dataset_key, model_key
from shared.contracts.manifest import Manifest
from shared.contracts.versions import ModelRef
from shared.errors import IntegrityError, InvalidInputError, NotFoundError, StateError
from shared.ports import ArtifactStore
from svc_registry.domain.artifacts import Sort
from svc_registry.domain.events import (
    AliasCleared,
    BaseRegistered,
    DatasetArchived,
    DatasetRegistered,
    GateChanged,
    HistoryImported,
    ModelArchived,
    ModelPromoted,
    ModelRegistered,
    ModelSigned,
    PromotionRefused,
)
from svc_registry.domain.graph import (
    graph_of_base,
    graph_of_copy,
    graph_of_manifest,
    graph_of_model,
    graph_of_prediction,
)
from svc_registry.domain.records import BaseRecord, DatasetRecord, ModelRecord, NewModel, NewPrediction
from svc_registry.domain.uploads import upload_id, uploaded_model
from svc_registry.ports import EventLog, Restorer, RestoringStore
from svc_registry.use_cases.rebuilding_histories import ImportedAgain


@dataclass(slots=True)
class Report:
    """How a rebuild went.

    Attributes:
        restored: by the name of a fact, how many were put back.
        left_out: one sentence for each that was not, or not whole.
    """

    restored: Counter[str] = field(default_factory=Counter)
    left_out: list[str] = field(default_factory=list)


def rebuild(store: RestoringStore, log: EventLog, artifacts: ArtifactStore, *, overwrite: bool) -> Report:
    """Fill the empty catalogue, all of it or nothing.

    Args:
        store: the catalogue.
        log: the streams.
        artifacts: the bucket.
        overwrite: empty the catalogue first.

    Raises:
        StateError: the catalogue is not empty, or events wait to be published.
    """
    with store.restoring() as restorer:
        _check_ready(restorer, overwrite=overwrite)
        restorer.clear()
        rebuilding = Rebuilding(restorer, artifacts)
        unread = rebuilding.report.left_out.append
        rebuilding.trained = _trained(log, unread)
        for kind, rule in RULES.items():
            for fact in log.facts(kind, unread=unread):
                rule(rebuilding, fact)
        for lost in rebuilding.imported.missing:
            shown = f"{lost.name}@{lost.version}"
            rebuilding.report.left_out.append(
                f"model {shown}: the history it was imported with is in no stream: import that again"
            )
        restorer.finish()
    return rebuilding.report


class Rebuilding:
    """What the rules share: where to write, what to look up, and the report."""

    def __init__(self, restorer: Restorer, artifacts: ArtifactStore) -> None:
        self.restorer = restorer
        self.report = Report()
        self.trained: Mapping[str, NewModel] = {}
        self.made: dict[str, NewModel] = {}
        self.imported = ImportedAgain(restorer)
        self._artifacts = artifacts
        self._seen: set[tuple[str, ...]] = set()

    def is_new(self, *key: str) -> bool:
        """Whether this is the first with a key; a stream may hold a fact twice."""
        if key in self._seen:
            return False
        self._seen.add(key)
        return True

    def manifest(self, digest: str, *, of: str) -> Manifest | None:
        """A manifest; None, and a line in the report, when the bucket does not have it whole."""
        try:
            return self._artifacts.manifest(digest)
        except (NotFoundError, IntegrityError) as error:
            self.report.left_out.append(f"{of}: {error}")
            return None

    def restored(self, what: str) -> None:
        """Count one."""
        self.report.restored[what] += 1


def _dataset(rebuilding: Rebuilding, fact: DatasetRegistered) -> None:
    shown = f"{fact.name}@{fact.version}"
    if not rebuilding.is_new("dataset", fact.name, fact.digest):
        return
    if not rebuilding.is_new("dataset version", shown):
        rebuilding.report.left_out.append(f"dataset {shown}: registered a second time, as {fact.digest[:12]}")
        return
    rebuilding.restorer.count(Sort.DATASET, fact.name, fact.version, kind=fact.kind)
    manifest = rebuilding.manifest(fact.digest, of=f"dataset {shown}")
    if manifest is None:
        return
    rebuilding.restorer.dataset(
        DatasetRecord(
            id=fact.entry_id,
            name=fact.name,
            version=fact.version,
            kind=fact.kind,
            digest=fact.digest,
            meta=manifest.meta,
            size_bytes=_size(manifest),
            producer=fact.producer,
            registered_at=_known(fact.registered_at),
        )
    )
    rebuilding.restorer.graph(graph_of_manifest(dataset_key(fact.name, fact.digest), shown, manifest))
    rebuilding.restored("datasets")


def _base(rebuilding: Rebuilding, fact: BaseRegistered) -> None:
    if not rebuilding.is_new("base", fact.digest):
        return
    manifest = rebuilding.manifest(fact.digest, of=f"base {fact.name}")
    if manifest is None:
        return
    rebuilding.restorer.base(
        BaseRecord(
            name=fact.name,
            digest=fact.digest,
            meta=manifest.meta,
            size_bytes=_size(manifest),
            registered_at=_known(fact.registered_at),
        )
    )
    rebuilding.restorer.graph(graph_of_base(fact.name, fact.digest))
    rebuilding.restored("bases")


def _model(rebuilding: Rebuilding, fact: ModelRegistered) -> None:
    shown = f"{fact.name}@{fact.version}"
    if not rebuilding.is_new("model", fact.run_id):
        return
    if not rebuilding.is_new("model version", shown):
        rebuilding.report.left_out.append(f"model {shown}: registered a second time, by the run {fact.run_id}")
        return
    rebuilding.restorer.count(Sort.MODEL, fact.name, fact.version)
    if not fact.bundle_digest:
        rebuilding.imported.expect(fact)
        return
    if fact.copied_from:
        made = _copied(rebuilding, fact, fact.copied_from)
    else:
        made = rebuilding.trained.get(fact.run_id) or _uploaded(rebuilding, fact)
    if made is None:
        return
    rebuilding.made[fact.run_id] = made
    record = ModelRecord(id=fact.entry_id, version=fact.version, made=made, registered_at=_known(fact.registered_at))
    rebuilding.restorer.model(record)
    rebuilding.imported.stands(record.ref)
    is_copy_of = fact.copied_from
    rebuilding.restorer.graph(
        graph_of_copy(is_copy_of, record.ref) if is_copy_of else graph_of_model(made, fact.version)
    )
    rebuilding.restored("models")


def _history(rebuilding: Rebuilding, fact: HistoryImported) -> None:
    shown = f"history {fact.path}"
    manifest = rebuilding.manifest(fact.digest, of=shown)
    if manifest is None:
        return
    try:
        rebuilding.report.restored["models"] += rebuilding.imported.put_back(fact, manifest.meta)
    except InvalidInputError as error:
        rebuilding.report.left_out.append(f"{shown}: {error}")
        return
    rebuilding.restored("histories")


def _uploaded(rebuilding: Rebuilding, fact: ModelRegistered) -> NewModel | None:
    """What the bundle's manifest says: all there is to say of an upload, and less than a run would have said."""
    manifest = rebuilding.manifest(fact.bundle_digest, of=f"model {fact.name}@{fact.version}")
    if manifest is None:
        return None
    if fact.run_id != upload_id(fact.name, fact.bundle_digest):
        rebuilding.report.left_out.append(
            f"model {fact.name}@{fact.version}: its run {fact.run_id} is in no stream, so that only what its manifest "
            "says was restored"
        )
    return replace(uploaded_model(fact.name, manifest), run_id=fact.run_id)


def _copied(rebuilding: Rebuilding, fact: ModelRegistered, original: ModelRef) -> NewModel | None:
    """What the original's run said, under the copy's name and key."""
    made = rebuilding.made.get(original.run_id)
    if made is None:
        rebuilding.report.left_out.append(
            f"model {fact.name}@{fact.version}: it is a copy of {original}, which was not restored"
        )
        return None
    return replace(made, name=fact.name, run_id=fact.run_id)


def _ledger_entry(rebuilding: Rebuilding, fact: ModelPromoted | PromotionRefused | AliasCleared) -> None:
    if rebuilding.is_new("move", str(fact.move.ledger_id)):
        rebuilding.restorer.move(fact.move)
        rebuilding.restored("entries of the ledger")


def _gate(rebuilding: Rebuilding, fact: GateChanged) -> None:
    """The last word stands."""
    rebuilding.restorer.gate(fact.gate)
    rebuilding.restored("changes of gates")


def _model_archived(rebuilding: Rebuilding, fact: ModelArchived) -> None:
    if rebuilding.is_new("deletion", fact.model.run_id):
        rebuilding.restorer.deletion(model_key(fact.model.run_id), fact.deletion)
        rebuilding.restored("deletions")


def _dataset_archived(rebuilding: Rebuilding, fact: DatasetArchived) -> None:
    if rebuilding.is_new("deletion", fact.dataset.key):
        rebuilding.restorer.deletion(fact.dataset.key, fact.deletion)
        rebuilding.restored("deletions")


def _signed(rebuilding: Rebuilding, fact: ModelSigned) -> None:
    if rebuilding.is_new("signature", fact.bundle_digest, fact.signature.key):
        rebuilding.restorer.signature(fact.bundle_digest, fact.signature)
        rebuilding.restored("signatures")


def _prediction(rebuilding: Rebuilding, fact: NewPrediction) -> None:
    rebuilding.restorer.graph(graph_of_prediction(fact))
    rebuilding.restored("predictions")


# How each kind of fact is put back, in this order. What shall survive a rebuild has a row here, a source in
# `adapters/event_log.py`, and its tables in `adapters/restoring.py`.
RULES: Mapping[type[Any], Callable[[Rebuilding, Any], None]] = {
    DatasetRegistered: _dataset,
    BaseRegistered: _base,
    ModelRegistered: _model,
    HistoryImported: _history,
    ModelPromoted: _ledger_entry,
    PromotionRefused: _ledger_entry,
    AliasCleared: _ledger_entry,
    GateChanged: _gate,
    ModelArchived: _model_archived,
    DatasetArchived: _dataset_archived,
    ModelSigned: _signed,
    NewPrediction: _prediction,
}


def _check_ready(restorer: Restorer, *, overwrite: bool) -> None:
    waiting = restorer.waiting_events()
    if waiting:
        raise StateError(
            f"{waiting} events wait in the outbox, and no stream remembers them: let svc_registry publish them first"
        )
    filled = restorer.filled_tables()
    if filled and not overwrite:
        raise StateError(
            f"The catalogue is not empty (see {', '.join(filled)}): use --replace to rebuild it all the same"
        )


def _trained(log: EventLog, unread: Callable[[str], None]) -> dict[str, NewModel]:
    """What each run said it made; the first word of a run counts, as it does when it is registered."""
    trained: dict[str, NewModel] = {}
    for made in log.facts(NewModel, unread=unread):
        trained.setdefault(made.run_id, made)
    return trained


def _size(manifest: Manifest) -> int:
    return sum(entry.size_bytes for entry in manifest.files)


def _known(moment: datetime | None) -> datetime:
    assert moment is not None, "the log gives each fact a time"
    return moment
