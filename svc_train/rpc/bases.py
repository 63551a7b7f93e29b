"""BaseService: translate, delegate, translate."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

from shared.runtime.auth import Role
from shared.runtime.convert import struct
from shared.runtime.grpc_server import Rpc
from svc_train.use_cases.bases import Bases
from upwell.common.v1 import common_pb2 as common
from upwell.train.v1 import base_service_pb2 as pb
from upwell.train.v1 import base_service_pb2_grpc as pb_grpc


class BaseService(pb_grpc.BaseServiceServicer):
    """Bases over gRPC."""

    def __init__(self, bases: Bases) -> None:
        self._bases = bases
        # A base may be large: one at a time on this replica's disk.
        self._adding = asyncio.Lock()

    async def ListAvailableBases(
        self, request: pb.ListAvailableBasesRequest, context: Any
    ) -> pb.ListAvailableBasesResponse:
        """What a run may name."""
        found = await asyncio.to_thread(self._bases.available)
        return pb.ListAvailableBasesResponse(
            bases=[
                pb.AvailableBase(
                    name=one.name, origin=one.origin, summary=one.summary, lacks=one.lacks, digest=one.digest
                )
                for one in found
            ]
        )

    async def AddBase(self, request: pb.AddBaseRequest, context: Any) -> pb.AddBaseResponse:
        """Add a base; a caller who goes away ends it."""
        stop = threading.Event()

        def add() -> pb.AddBaseResponse:
            added = self._bases.add(request.name, request.source, request.revision, must_stop=stop.is_set)
            base = common.BaseRef(name=added.base.name, digest=added.base.digest)
            return pb.AddBaseResponse(base=base, meta=struct(added.meta))

        async with self._adding:
            work = asyncio.create_task(asyncio.to_thread(add))
            try:
                return await asyncio.shield(work)
            except asyncio.CancelledError:
                # The thread ends soon, and only then may the next one begin.
                stop.set()
                await asyncio.gather(work, return_exceptions=True)
                raise


def bases_rpc(bases: Bases) -> Rpc:
    """The service with its roles."""
    servicer = BaseService(bases)
    return Rpc(
        full_name="upwell.train.v1.BaseService",
        add_to=lambda server: pb_grpc.add_BaseServiceServicer_to_server(servicer, server),
        roles={"AddBase": Role.ADMIN},
    )
