"""What makers say they made becomes numbered, or is refused with the reason."""

from __future__ import annotations

from shared.contracts.lineage import dataset_key
from shared.contracts.manifest import Manifest
from shared.contracts.names import check_name
from shared.contracts.work import Failure, cause_of
from shared.errors import ConflictError, NotFoundError, PermanentError
from shared.ports import ArtifactStore
from svc_registry.domain.events import (
    BaseRegistered,
    DatasetRegistered,
    DatasetRejected,
    ModelRegistered,
    ModelRejected,
)
from svc_registry.domain.graph import graph_of_base, graph_of_manifest, graph_of_model, graph_of_prediction
from svc_registry.domain.records import DatasetRecord, ModelRecord, NewModel, NewPrediction
from svc_registry.ports import RegistryStore, RegistryTransaction
from svc_registry.use_cases.finding import deleted_words


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
            number_dataset(tx, name=name, digest=digest, manifest=manifest, producer=producer)
    except PermanentError as error:
        with store.transaction() as tx:
            tx.outbox.add(DatasetRejected(name=name, digest=digest, failure=_failure(error)))


def number_dataset(
    tx: RegistryTransaction, *, name: str, digest: str, manifest: Manifest, producer: str
) -> DatasetRecord:
    """The version, numbered and announced now or before.

    Raises:
        ConflictError: the name is used for another kind, or the version was deleted.
    """
    standing = tx.datasets.find(name, digest)
    if standing and standing.deletion:
        raise ConflictError(f"This content is {standing}, which {deleted_words(standing.deletion)}")
    if standing:
        return standing
    record = tx.datasets.add(name=name, digest=digest, manifest=manifest, producer=producer)
    tx.lineage.add(graph_of_manifest(dataset_key(name, digest), f"{name}@{record.version}", manifest))
    tx.outbox.add(DatasetRegistered.of(record))
    return record


def register_base(store: RegistryStore, artifacts: ArtifactStore, *, name: str, digest: str) -> None:
    """Record a base and announce it."""
    manifest = _readable(artifacts, digest)
    with store.transaction() as tx:
        if tx.bases.add(name=check_name("name", name), manifest=manifest):
            record = tx.bases.find(digest)
            assert record is not None, "it was just added"
            tx.lineage.add(graph_of_base(name, digest))
            tx.outbox.add(BaseRegistered(name=name, digest=digest, registered_at=record.registered_at))


def register_model(store: RegistryStore, artifacts: ArtifactStore, model: NewModel) -> None:
    """Number a model version and announce it, or announce why not."""
    try:
        _readable(artifacts, model.bundle_digest)
        check_name("model", model.name)
        with store.transaction() as tx:
            number_model(tx, model)
    except PermanentError as error:
        with store.transaction() as tx:
            tx.outbox.add(ModelRejected(name=model.name, run_id=model.run_id, failure=_failure(error)))


def number_model(tx: RegistryTransaction, model: NewModel) -> ModelRecord:
    """The version, numbered and announced now or before."""
    standing = tx.models.by_run(model.run_id)
    if standing:
        return standing
    record = tx.models.add(model)
    tx.lineage.add(graph_of_model(model, record.version))
    tx.outbox.add(ModelRegistered.of(record))
    return record


def record_prediction(store: RegistryStore, prediction: NewPrediction) -> None:
    """Enter a prediction job into the lineage."""
    with store.transaction() as tx:
        tx.lineage.add(graph_of_prediction(prediction))


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
