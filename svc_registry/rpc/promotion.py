"""PromotionService: translate, delegate, translate."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any

from shared.contracts.names import DEFAULT_ALIAS
from shared.runtime.auth import Role, current_principal
from shared.runtime.grpc_server import Rpc
from svc_registry.ports import RegistryStore, RegistryTransaction
from svc_registry.rpc.reading import read
from svc_registry.use_cases import gates, promoting
from svc_registry.wire.marks import conditions_of, gate_message, move_message
from svc_registry.wire.versions import model_message
from upwell.registry.v1 import promotion_service_pb2 as pb
from upwell.registry.v1 import promotion_service_pb2_grpc as pb_grpc


class PromotionService(pb_grpc.PromotionServiceServicer):
    """Gates, rollbacks and the ledger's answers over gRPC."""

    def __init__(self, store: RegistryStore) -> None:
        self._store = store

    async def SetGate(self, request: pb.SetGateRequest, context: Any) -> pb.SetGateResponse:
        """As the caller."""
        gate = await asyncio.to_thread(
            gates.set_gate,
            self._store,
            model=request.model,
            alias=request.alias or DEFAULT_ALIAS,
            conditions=conditions_of(request.conditions),
            set_by=current_principal().name,
        )
        return pb.SetGateResponse(gate=gate_message(gate))

    async def ListGates(self, request: pb.ListGatesRequest, context: Any) -> pb.ListGatesResponse:
        """By alias."""

        def of_model(tx: RegistryTransaction) -> pb.ListGatesResponse:
            found = tx.gates.of_model(request.model)
            return pb.ListGatesResponse(gates=[gate_message(gate) for gate in found])

        return await read(self._store, of_model)

    async def DeleteGate(self, request: pb.DeleteGateRequest, context: Any) -> pb.DeleteGateResponse:
        """As the caller."""
        await asyncio.to_thread(
            gates.delete_gate,
            self._store,
            model=request.model,
            alias=request.alias or DEFAULT_ALIAS,
            deleted_by=current_principal().name,
        )
        return pb.DeleteGateResponse()

    async def RollBackAlias(self, request: pb.RollBackAliasRequest, context: Any) -> pb.RollBackAliasResponse:
        """As the caller."""
        move = await asyncio.to_thread(
            promoting.roll_back,
            self._store,
            name=request.model,
            alias=request.alias or DEFAULT_ALIAS,
            moved_by=current_principal().name,
            reason=request.reason,
            from_version=request.from_version,
        )
        return pb.RollBackAliasResponse(move=move_message(move))

    async def ClearAlias(self, request: pb.ClearAliasRequest, context: Any) -> pb.ClearAliasResponse:
        """As the caller."""
        move = await asyncio.to_thread(
            promoting.clear_alias,
            self._store,
            name=request.model,
            alias=request.alias,
            moved_by=current_principal().name,
            reason=request.reason,
        )
        return pb.ClearAliasResponse(move=move_message(move))

    async def GetServing(self, request: pb.GetServingRequest, context: Any) -> pb.GetServingResponse:
        """What an alias named at a moment, by default now."""
        at = request.at.ToDatetime(UTC) if request.HasField("at") else datetime.now(UTC)

        def at_moment(tx: RegistryTransaction) -> pb.GetServingResponse:
            record, move = promoting.serving(tx, name=request.model, alias=request.alias or DEFAULT_ALIAS, at=at)
            return pb.GetServingResponse(model=model_message(record), move=move_message(move))

        return await read(self._store, at_moment)


def promotion_rpc(store: RegistryStore) -> Rpc:
    """The service with its roles."""
    servicer = PromotionService(store)
    return Rpc(
        full_name="upwell.registry.v1.PromotionService",
        add_to=lambda server: pb_grpc.add_PromotionServiceServicer_to_server(servicer, server),
        roles={
            "SetGate": Role.ADMIN,
            "DeleteGate": Role.ADMIN,
            "RollBackAlias": Role.TRAINER,
            "ClearAlias": Role.TRAINER,
        },
    )
