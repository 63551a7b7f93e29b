"""LineageService: translate, delegate, translate."""

from __future__ import annotations

import asyncio
from typing import Any

from shared.runtime.grpc_server import Rpc
from svc_registry import wire
from svc_registry.domain.graph import Direction
from svc_registry.ports import RegistryStore
from svc_registry.use_cases.lineage import walk_lineage
from upwell.registry.v1 import lineage_service_pb2 as pb
from upwell.registry.v1 import lineage_service_pb2_grpc as pb_grpc


class LineageService(pb_grpc.LineageServiceServicer):
    """The graph over gRPC."""

    def __init__(self, store: RegistryStore) -> None:
        self._store = store

    async def GetLineage(self, request: pb.GetLineageRequest, context: Any) -> pb.GetLineageResponse:
        """Ancestors or descendants."""
        direction = Direction.DOWN if request.direction == pb.DIRECTION_DOWN else Direction.UP
        key, graph = await asyncio.to_thread(
            walk_lineage, self._store, request.node, direction, max_depth=request.max_depth
        )
        return wire.graph_message(key, graph)


def lineage_rpc(store: RegistryStore) -> Rpc:
    """The service; all its methods read."""
    servicer = LineageService(store)
    return Rpc(
        full_name="upwell.registry.v1.LineageService",
        add_to=lambda server: pb_grpc.add_LineageServiceServicer_to_server(servicer, server),
    )
