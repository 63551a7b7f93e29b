"""VersionService: translate, delegate, translate."""

from __future__ import annotations

import asyncio
from typing import Any

from shared.ports import SignatureVerifier
from shared.runtime.auth import Role, current_principal
from shared.runtime.grpc_server import Rpc
from svc_registry.ports import RegistryStore
from svc_registry.use_cases import copying, deleting, signing
from svc_registry.wire.versions import dataset_message, model_message
from upwell.registry.v1 import version_service_pb2 as pb
from upwell.registry.v1 import version_service_pb2_grpc as pb_grpc


class VersionService(pb_grpc.VersionServiceServicer):
    """Copying, signing and deleting over gRPC.

    Args:
        store: the catalogue.
        verifier: knows the trusted keys.
    """

    def __init__(self, store: RegistryStore, verifier: SignatureVerifier) -> None:
        self._store = store
        self._verifier = verifier

    async def CopyModel(self, request: pb.CopyModelRequest, context: Any) -> pb.CopyModelResponse:
        """To another name."""
        record = await asyncio.to_thread(copying.copy_model, self._store, request.reference, request.model)
        return pb.CopyModelResponse(model=model_message(record))

    async def SignModel(self, request: pb.SignModelRequest, context: Any) -> pb.SignModelResponse:
        """By a trusted key; sent by the caller."""
        record = await asyncio.to_thread(
            signing.sign_model,
            self._store,
            self._verifier,
            reference=request.reference,
            bundle_digest=request.bundle_digest,
            key=request.key,
            signature=request.signature,
            signed_by=current_principal().name,
        )
        return pb.SignModelResponse(model=model_message(record))

    async def DeleteModel(self, request: pb.DeleteModelRequest, context: Any) -> pb.DeleteModelResponse:
        """As the caller."""
        record = await asyncio.to_thread(
            deleting.delete_model,
            self._store,
            name=request.name,
            version=request.version,
            deleted_by=current_principal().name,
            reason=request.reason,
        )
        return pb.DeleteModelResponse(model=model_message(record))

    async def DeleteDataset(self, request: pb.DeleteDatasetRequest, context: Any) -> pb.DeleteDatasetResponse:
        """As the caller."""
        record = await asyncio.to_thread(
            deleting.delete_dataset,
            self._store,
            name=request.name,
            version=request.version,
            deleted_by=current_principal().name,
            reason=request.reason,
        )
        return pb.DeleteDatasetResponse(dataset=dataset_message(record))


def version_rpc(store: RegistryStore, verifier: SignatureVerifier) -> Rpc:
    """The service with its roles."""
    servicer = VersionService(store, verifier)
    return Rpc(
        full_name="upwell.registry.v1.VersionService",
        add_to=lambda server: pb_grpc.add_VersionServiceServicer_to_server(servicer, server),
        roles=dict.fromkeys(("CopyModel", "SignModel", "DeleteModel", "DeleteDataset"), Role.TRAINER),
    )
