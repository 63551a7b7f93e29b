"""The `Catalogue` port over the registry's gRPC contract."""

from __future__ import annotations

from collections.abc import Mapping

from shared.contracts.versions import BaseVersion, DatasetVersion, ModelVersion, Signature
from shared.runtime.grpc_client import Caller, open_channel
from shared.runtime.settings import ServiceSettings
from upwell.registry.v1 import registry_service_pb2 as pb
from upwell.registry.v1 import registry_service_pb2_grpc as rpc


class RegistryCatalogue:
    """Asks svc_registry; connects at the first call."""

    def __init__(self, settings: ServiceSettings) -> None:
        self._stub = rpc.RegistryServiceStub(open_channel(settings.registry_address, settings))
        self._caller = Caller(peer="svc_registry", token=settings.service_token.get_secret_value())

    def dataset(self, reference: str) -> DatasetVersion:
        """A dataset version by reference; see the port."""
        return self._dataset(pb.GetDatasetRequest(reference=reference))

    def dataset_by_digest(self, name: str, digest: str) -> DatasetVersion:
        """A dataset version by its key; see the port."""
        return self._dataset(pb.GetDatasetRequest(name=name, manifest_digest=digest))

    def model(self, reference: str) -> ModelVersion:
        """A model version by reference; see the port."""
        answer = self._caller.call(self._stub.GetModel, pb.GetModelRequest(reference=reference))
        return _model(answer.model)

    def model_of_run(self, run_id: str) -> ModelVersion:
        """A model version by its key; see the port."""
        answer = self._caller.call(self._stub.GetModel, pb.GetModelRequest(run_id=run_id))
        return _model(answer.model)

    def aliases(self) -> Mapping[tuple[str, str], ModelVersion]:
        """Where the aliases stand; see the port."""
        answer = self._caller.call(self._stub.ListAliases, pb.ListAliasesRequest())
        return {(entry.model.ref.name, entry.alias): _model(entry.model) for entry in answer.aliases}

    def _dataset(self, request: pb.GetDatasetRequest) -> DatasetVersion:
        found = self._caller.call(self._stub.GetDataset, request).dataset
        return DatasetVersion(
            name=found.ref.name, digest=found.ref.manifest_digest, version=found.ref.version, kind=found.kind
        )


def _model(found: pb.ModelVersion) -> ModelVersion:
    return ModelVersion(
        name=found.ref.name,
        version=found.ref.version,
        run_id=found.ref.run_id,
        bundle_digest=found.bundle_digest,
        base=BaseVersion(name=found.base.name, digest=found.base.digest),
        signatures=tuple(Signature(each.key, each.value) for each in found.signatures),
    )
