"""Versions are deleted by a tombstone: no longer resolved, never numbered again, still part of the lineage."""

from __future__ import annotations

from dataclasses import replace

from shared.contracts.lineage import dataset_key, model_key
from shared.contracts.versions import DatasetVersion
from shared.errors import InvalidInputError, NotFoundError, StateError
from svc_registry.domain.events import DatasetArchived, ModelArchived
from svc_registry.domain.graph import Direction, children_of
from svc_registry.domain.records import DatasetRecord, ModelRecord
from svc_registry.ports import RegistryStore, RegistryTransaction
from svc_registry.use_cases.lineage import mark_deleted

MAX_REASON_CHARACTERS = 2000
NAMED_CHILDREN = 10
# From a version to what a run made of it.
GENERATION = 2


def delete_model(store: RegistryStore, *, name: str, version: int, deleted_by: str, reason: str) -> ModelRecord:
    """Delete a model version and announce it; a deleted one stays as it is.

    Raises:
        StateError: an alias names it, or a version that was made from it is left.
    """
    _check_reason(reason)
    with store.transaction() as tx:
        tx.ledger.lock(name)
        record = tx.models.at(name, version)
        if record is None:
            raise NotFoundError(f"There is no model version {name}@{version}")
        if record.deletion:
            return record
        if record.aliases:
            raise StateError(f"{record} has the alias {', '.join(record.aliases)}: move or clear it first")
        key = model_key(record.made.run_id)
        _refuse_with_children(tx, str(record), key)
        deletion = tx.tombstones.add(key, deleted_by=deleted_by, reason=reason)
        tx.outbox.add(ModelArchived(model=record.ref, bundle_digest=record.made.bundle_digest, deletion=deletion))
        return replace(record, deletion=deletion)


def delete_dataset(store: RegistryStore, *, name: str, version: int, deleted_by: str, reason: str) -> DatasetRecord:
    """Delete a dataset version and announce it; a deleted one stays as it is.

    Raises:
        StateError: a dataset or model version that was made from it is left.
    """
    _check_reason(reason)
    with store.transaction() as tx:
        record = tx.datasets.at(name, version)
        if record is None:
            raise NotFoundError(f"There is no dataset version {name}@{version}")
        if record.deletion:
            return record
        key = dataset_key(name, record.digest)
        _refuse_with_children(tx, str(record), key)
        deletion = tx.tombstones.add(key, deleted_by=deleted_by, reason=reason)
        dataset = DatasetVersion(name=name, digest=record.digest, version=version)
        tx.outbox.add(DatasetArchived(dataset=dataset, deletion=deletion))
        return replace(record, deletion=deletion)


def _check_reason(reason: str) -> None:
    if not 0 < len(reason.strip()) <= MAX_REASON_CHARACTERS:
        raise InvalidInputError.of("reason", f"say why, in 1 to {MAX_REASON_CHARACTERS} characters")


def _refuse_with_children(tx: RegistryTransaction, name: str, key: str) -> None:
    below = mark_deleted(tx, tx.lineage.walk(key, Direction.DOWN, max_depth=GENERATION))
    children = [node.label or node.key for node in children_of(key, below)]
    if children:
        more = f" and {len(children) - NAMED_CHILDREN} more" if len(children) > NAMED_CHILDREN else ""
        raise StateError(
            f"{name} is what {', '.join(children[:NAMED_CHILDREN])}{more} was made from: delete that first"
        )
