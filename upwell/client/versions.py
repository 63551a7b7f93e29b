"""What may be done to a version after it was registered."""

from __future__ import annotations

import grpc

from upwell.client.calls import Caller
from upwell.registry.v1 import registry_service_pb2, version_service_pb2, version_service_pb2_grpc


class VersionClient:
    """svc_registry's copying, signing and deleting."""

    def __init__(self, channel: grpc.aio.Channel, caller: Caller) -> None:
        self._stub = version_service_pb2_grpc.VersionServiceStub(channel)
        self._caller = caller

    async def copy_model(self, reference: str, model: str) -> registry_service_pb2.ModelVersion:
        """Number a version under another model; the same copy twice is one version."""
        request = version_service_pb2.CopyModelRequest(reference=reference, model=model)
        return (await self._caller.call(self._stub.CopyModel, request)).model

    async def sign_model(
        self, reference: str, *, bundle_digest: str, key: str, signature: str
    ) -> registry_service_pb2.ModelVersion:
        """Send a signature as `upwell.signing.sign_bundle` makes it, under the name of a trusted key."""
        request = version_service_pb2.SignModelRequest(
            reference=reference, bundle_digest=bundle_digest, key=key, signature=signature
        )
        return (await self._caller.call(self._stub.SignModel, request)).model

    async def delete_model(self, name: str, *, version: int, reason: str) -> registry_service_pb2.ModelVersion:
        """Delete a model version for good."""
        request = version_service_pb2.DeleteModelRequest(name=name, version=version, reason=reason)
        return (await self._caller.call(self._stub.DeleteModel, request)).model

    async def delete_dataset(self, name: str, *, version: int, reason: str) -> registry_service_pb2.DatasetVersion:
        """Delete a dataset version for good."""
        request = version_service_pb2.DeleteDatasetRequest(name=name, version=version, reason=reason)
        return (await self._caller.call(self._stub.DeleteDataset, request)).dataset
