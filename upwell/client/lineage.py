"""What was made from what."""

from __future__ import annotations

import grpc

from upwell.client.calls import Caller
from upwell.registry.v1 import lineage_service_pb2, lineage_service_pb2_grpc


class LineageClient:
    """svc_registry's lineage graph."""

    def __init__(self, channel: grpc.aio.Channel, caller: Caller) -> None:
        self._stub = lineage_service_pb2_grpc.LineageServiceStub(channel)
        self._caller = caller

    async def ancestors(self, node: str, *, max_depth: int = 0) -> lineage_service_pb2.GetLineageResponse:
        """What the node was made from, at any depth (0) or at most so deep.

        Args:
            node: a node's key, `name@3`, `name:alias`, or a run's id.
            max_depth: steps to walk; 0 means all.
        """
        return await self._walk(node, lineage_service_pb2.DIRECTION_UP, max_depth)

    async def descendants(self, node: str, *, max_depth: int = 0) -> lineage_service_pb2.GetLineageResponse:
        """What was made from the node; arguments as for `ancestors`."""
        return await self._walk(node, lineage_service_pb2.DIRECTION_DOWN, max_depth)

    async def _walk(
        self, node: str, direction: lineage_service_pb2.Direction.ValueType, max_depth: int
    ) -> lineage_service_pb2.GetLineageResponse:
        request = lineage_service_pb2.GetLineageRequest(node=node, direction=direction, max_depth=max_depth)
        return await self._caller.call(self._stub.GetLineage, request)
