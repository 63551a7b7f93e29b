"""The bases that runs start from."""

from __future__ import annotations

from collections.abc import Sequence

import grpc

from upwell.client.calls import Caller
from upwell.train.v1 import base_service_pb2, base_service_pb2_grpc

# A base of many gigabytes is downloaded, checked and stored while the caller waits.
ADD_DEADLINE_S = 4 * 3600.0


class BasesClient:
    """svc_train's bases."""

    def __init__(self, channel: grpc.aio.Channel, caller: Caller) -> None:
        self._stub = base_service_pb2_grpc.BaseServiceStub(channel)
        self._caller = caller

    async def available(self) -> Sequence[base_service_pb2.AvailableBase]:
        """What a run may name, by name."""
        request = base_service_pb2.ListAvailableBasesRequest()
        return (await self._caller.call(self._stub.ListAvailableBases, request)).bases

    async def add(self, name: str, *, source: str, revision: str = "") -> base_service_pb2.AddBaseResponse:
        """Add a base; see the fields of `AddBaseRequest`."""
        request = base_service_pb2.AddBaseRequest(name=name, source=source, revision=revision)
        return await self._caller.call(self._stub.AddBase, request, deadline_s=ADD_DEADLINE_S)
