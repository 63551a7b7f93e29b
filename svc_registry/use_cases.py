"""What the catalogue does. Each function is one use case; all are idempotent by the natural key of what they record."""

from __future__ import annotations

from collections.abc import Callable

from shared.contracts.lineage import NodeType, dataset_key, model_key, run_key
from shared.contracts.manifest import Manifest
from shared.contracts.names import DEFAULT_ALIAS, Reference, check_name, parse_dataset_reference, parse_reference
from shared.contracts.work import Failure, cause_of
from shared.errors import ConflictError, InvalidInputError, NotFoundError, PermanentError
from shared.ports import ArtifactStore
from svc_registry.domain.events import (
    BaseRegistered,
    DatasetRegistered,
    DatasetRejected,
    ModelPromoted,
    ModelRegistered,
    ModelRejected,
)
from svc_registry.domain.graph import (
    Direction,
    Graph,
    graph_of_base,
    graph_of_manifest,
    graph_of_model,
    graph_of_prediction,
)
from svc_registry.domain.records import AliasMove, DatasetRecord, ModelRecord, NewModel, NewPrediction
from svc_registry.ports import RegistryStore, RegistryTransaction


def register_dataset(
    store: RegistryStore, artifacts: ArtifactStore, *, name: str, kind: str, digest: str, producer: str
) -> None:
    """Number a dataset version and announce it, or announce why not."""
    try:
        manifest = _readable(artifacts, digest)
        check_name("name", name)
        if manifest.kind != kind:
            raise ConflictError(f"{name}: the event says {kind}, the manifest {manifest.kind}")
        with store.transaction() as tx:
            _number_dataset(tx, name=name, digest=digest, manifest=manifest, producer=producer)
    except PermanentError as error:
        with store.transaction() as tx:
            tx.outbox.add(DatasetRejected(name=name, digest=digest, failure=_failure(error)))


def _number_dataset(tx: RegistryTransaction, *, name: str, digest: str, manifest: Manifest, producer: str) -> None:
    if tx.datasets.find(name, digest):
        return
    record = tx.datasets.add(name=name, digest=digest, manifest=manifest, producer=producer)
    tx.lineage.add(graph_of_manifest(dataset_key(name, digest), f"{name}@{record.version}", manifest))
    tx.outbox.add(DatasetRegistered(name=name, version=record.version, kind=record.kind, digest=digest))


def register_base(store: RegistryStore, artifacts: ArtifactStore, *, name: str, digest: str) -> None:
    """Record a base and announce it."""
    manifest = _readable(artifacts, digest)
    with store.transaction() as tx:
        if tx.bases.add(name=check_name("name", name), manifest=manifest):
            tx.lineage.add(graph_of_base(name, digest))
            tx.outbox.add(BaseRegistered(name=name, digest=digest))


def register_model(store: RegistryStore, artifacts: ArtifactStore, model: NewModel) -> None:
    """Number a model version and announce it, or announce why not."""
    try:
        _readable(artifacts, model.bundle_digest)
        check_name("model", model.name)
        with store.transaction() as tx:
            if tx.models.by_run(model.run_id) is None:
                record = tx.models.add(model)
                tx.lineage.add(graph_of_model(model, record.version))
                tx.outbox.add(
                    ModelRegistered(
                        name=model.name,
                        version=record.version,
                        run_id=model.run_id,
                        bundle_digest=model.bundle_digest,
                    )
                )
    except PermanentError as error:
        with store.transaction() as tx:
            tx.outbox.add(ModelRejected(name=model.name, run_id=model.run_id, failure=_failure(error)))


def record_prediction(store: RegistryStore, prediction: NewPrediction) -> None:
    """Enter a prediction job into the lineage."""
    with store.transaction() as tx:
        tx.lineage.add(graph_of_prediction(prediction))


def promote(store: RegistryStore, *, name: str, version: int, alias: str, moved_by: str, reason: str) -> AliasMove:
    """Move an alias to a version, enter it in the ledger and announce it; the same move twice changes nothing."""
    check_name("alias", alias)
    with store.transaction() as tx:
        record = tx.models.at(name, version)
        if record is None:
            raise NotFoundError(f"There is no model version {name}@{version}")
        move, is_new = tx.models.move_alias(record, alias, moved_by=moved_by, reason=reason)
        if is_new:
            made = record.made
            tx.outbox.add(ModelPromoted(move=move, run_id=made.run_id, bundle_digest=made.bundle_digest))
        return move


def find_dataset(tx: RegistryTransaction, reference: str) -> DatasetRecord:
    """The version `name@3`, or the newest of `name`; NotFoundError says what there is."""
    parsed = parse_dataset_reference("reference", reference)
    newest = tx.datasets.newest(parsed.name)
    if newest is None:
        raise NotFoundError(f"There is no dataset {parsed.name!r}")
    record = newest if parsed.version is None else tx.datasets.at(parsed.name, parsed.version)
    if record is None:
        raise NotFoundError(f"There is no dataset version {parsed}: the newest is {parsed.name}@{newest.version}")
    return record


def find_model(tx: RegistryTransaction, reference: str) -> ModelRecord:
    """The version `name@4`, `name:alias`, or the champion of `name`; NotFoundError says which is missing."""
    parsed = parse_reference("reference", reference)
    if parsed.version is not None:
        record = tx.models.at(parsed.name, parsed.version)
    else:
        record = tx.models.named(parsed.name, parsed.alias or DEFAULT_ALIAS)
    if record is None:
        raise NotFoundError(_missing_model(tx, parsed))
    return record


def _missing_model(tx: RegistryTransaction, reference: Reference) -> str:
    newest = tx.models.page(name=reference.name, before_id=0, limit=1)
    if not newest:
        return f"There is no model {reference.name!r}"
    if reference.version is not None:
        return f"There is no model version {reference}: the newest is {reference.name}@{newest[0].version}"
    alias = reference.alias or DEFAULT_ALIAS
    return (
        f"No version of {reference.name!r} has the alias {alias!r}: name a version such as "
        f"{reference.name}@{newest[0].version}, or promote one"
    )


def walk_lineage(store: RegistryStore, node: str, direction: Direction, *, max_depth: int) -> tuple[str, Graph]:
    """The sub-graph reached from a node that is named by key, reference or run id, with the node's key."""
    with store.reading() as tx:
        key = _node_key(tx, node)
        graph = tx.lineage.walk(key, direction, max_depth=max_depth)
        if not graph.nodes:
            raise NotFoundError(f"The lineage knows no {node!r}")
        return key, graph


def _node_key(tx: RegistryTransaction, node: str) -> str:
    if node.partition("/")[0] in list(NodeType) and "/" in node:
        return node
    if tx.models.by_run(node):
        return run_key(node)
    matches = [key for find in (_dataset_node, _model_node) if (key := _or_none(find, tx, node))]
    if len(matches) > 1:
        raise InvalidInputError.of("node", f"{node!r} names a dataset and a model; use one of: {', '.join(matches)}")
    if not matches:
        raise NotFoundError(f"There is no dataset, model or run {node!r}")
    return matches[0]


def _dataset_node(tx: RegistryTransaction, node: str) -> str:
    record = find_dataset(tx, node)
    return dataset_key(record.name, record.digest)


def _model_node(tx: RegistryTransaction, node: str) -> str:
    return model_key(find_model(tx, node).made.run_id)


def _or_none(find: Callable[[RegistryTransaction, str], str], tx: RegistryTransaction, node: str) -> str | None:
    try:
        return find(tx, node)
    except (NotFoundError, InvalidInputError):
        return None


def _readable(artifacts: ArtifactStore, digest: str) -> Manifest:
    """The manifest; makers upload it before they speak of it, so a missing one never comes."""
    return artifacts.manifest(digest)


def _failure(error: PermanentError) -> Failure:
    remedies = {ConflictError: "Use another name.", NotFoundError: "Upload the manifest, then publish again."}
    return Failure(
        cause=cause_of(error),
        reason=str(error),
        remedy=remedies.get(type(error), ""),
    )
