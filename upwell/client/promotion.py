"""Gates, rollbacks, and what served when."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import grpc
from google.protobuf.timestamp_pb2 import Timestamp

from upwell.client.calls import Caller
from upwell.errors import UpwellClientError
from upwell.registry.v1 import marks_pb2, promotion_service_pb2, promotion_service_pb2_grpc, registry_service_pb2


class PromotionClient:
    """svc_registry's control over aliases; an empty alias means champion."""

    def __init__(self, channel: grpc.aio.Channel, caller: Caller) -> None:
        self._stub = promotion_service_pb2_grpc.PromotionServiceStub(channel)
        self._caller = caller

    async def set_gate(
        self, model: str, conditions: Sequence[marks_pb2.Condition], *, alias: str = ""
    ) -> marks_pb2.Gate:
        """Put a gate before an alias, in place of the one that stands."""
        request = promotion_service_pb2.SetGateRequest(model=model, alias=alias, conditions=conditions)
        return (await self._caller.call(self._stub.SetGate, request)).gate

    async def gates(self, model: str) -> Sequence[marks_pb2.Gate]:
        """The gates of a model, by alias."""
        request = promotion_service_pb2.ListGatesRequest(model=model)
        return (await self._caller.call(self._stub.ListGates, request)).gates

    async def delete_gate(self, model: str, *, alias: str = "") -> None:
        """Take a gate away."""
        request = promotion_service_pb2.DeleteGateRequest(model=model, alias=alias)
        await self._caller.call(self._stub.DeleteGate, request)

    async def roll_back(
        self, model: str, *, alias: str = "", reason: str = "", from_version: int = 0
    ) -> registry_service_pb2.AliasMove:
        """Move an alias to the version before its last move; called again, to older ones.

        Args:
            model: the model's name.
            alias: the alias.
            reason: kept in the ledger.
            from_version: where the alias stands; 0 asks first. A call that is made again after a lost answer must not
                go back twice, so it always says where from.
        """
        if not from_version:
            from_version = await self._standing(model, alias)
        request = promotion_service_pb2.RollBackAliasRequest(
            model=model, alias=alias, reason=reason, from_version=from_version
        )
        return (await self._caller.call(self._stub.RollBackAlias, request)).move

    async def clear_alias(self, model: str, alias: str, *, reason: str = "") -> registry_service_pb2.AliasMove:
        """Take an alias away."""
        request = promotion_service_pb2.ClearAliasRequest(model=model, alias=alias, reason=reason)
        return (await self._caller.call(self._stub.ClearAlias, request)).move

    async def serving(
        self, model: str, *, alias: str = "", at: datetime | None = None
    ) -> promotion_service_pb2.GetServingResponse:
        """The version that an alias named at a moment (aware; None means now), and the move that had put it there."""
        request = promotion_service_pb2.GetServingRequest(model=model, alias=alias)
        if at is not None:
            moment = Timestamp()
            moment.FromDatetime(at)
            request.at.CopyFrom(moment)
        return await self._caller.call(self._stub.GetServing, request)

    async def _standing(self, model: str, alias: str) -> int:
        try:
            return (await self.serving(model, alias=alias)).model.ref.version
        except UpwellClientError as error:
            if error.code != "NOT_FOUND":
                raise
            return 0  # it was cleared, or never was: the registry tells which
