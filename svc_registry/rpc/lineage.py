"""LineageService: translate, delegate, translate."""

from __future__ import annotations

import asyncio
from typing import Any

from shared.runtime.grpc_server import Rpc
from svc_registry.domain.graph import Direction
from svc_registry.ports import RegistryStore
from svc_registry.rpc.lineage_messages import graph_message, path_message, trained_message
from svc_registry.rpc.registry import page_size, page_start
from svc_registry.use_cases.lineage import find_path, find_trained_models, walk_lineage
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
            walk_lineage,
            self._store,
            request.node,
            direction,
            max_depth=request.max_depth,
            include_facts=request.include_facts,
        )
        return graph_message(key, graph)

    async def FindPath(self, request: pb.FindPathRequest, context: Any) -> pb.FindPathResponse:
        """The ways between two nodes."""
        path = await asyncio.to_thread(
            find_path, self._store, request.one, request.other, include_facts=request.include_facts
        )
        return path_message(path)

    async def FindTrainedModels(
        self, request: pb.FindTrainedModelsRequest, context: Any
    ) -> pb.FindTrainedModelsResponse:
        """A page of models, newest first."""
        subject = request.WhichOneof("subject") or ""
        limit = page_size(request.page_size)
        found = await asyncio.to_thread(
            find_trained_models,
            self._store,
            subject,
            getattr(request, subject, ""),
            through_predictions=request.through_predictions,
            before_id=page_start(request.page_token),
            limit=limit,
        )
        token = str(found.models[-1][0].id) if len(found.models) == limit else ""
        return trained_message(found, next_page_token=token)


def lineage_rpc(store: RegistryStore) -> Rpc:
    """The service; all its methods read."""
    servicer = LineageService(store)
    return Rpc(
        full_name="upwell.registry.v1.LineageService",
        add_to=lambda server: pb_grpc.add_LineageServiceServicer_to_server(servicer, server),
    )
