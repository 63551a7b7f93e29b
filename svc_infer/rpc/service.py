"""The calls put together as one service."""

from __future__ import annotations

from typing import Any

from shared.ports import Catalogue
from shared.runtime.auth import Role
from shared.runtime.grpc_server import Rpc
from svc_infer.ports import FieldReader, InferStore
from svc_infer.rpc.calls import Calls, Serving
from svc_infer.rpc.fields import FieldCalls
from svc_infer.rpc.jobs import JobCalls
from svc_infer.rpc.plans import PlanCalls
from svc_infer.rpc.series import SeriesCalls
from svc_infer.rpc.texts import TextCalls
from svc_infer.rpc.values import ValuesCalls
from svc_infer.use_cases import models
from svc_infer.wire.models import status_message
from upwell.infer.v1 import infer_service_pb2 as pb
from upwell.infer.v1 import infer_service_pb2_grpc as pb_grpc


class StatusCalls(Calls):
    """Calls about the models themselves."""

    async def GetModelStatus(self, request: pb.GetModelStatusRequest, context: Any) -> pb.GetModelStatusResponse:
        """From memory."""
        serving = self._serving
        statuses = models.model_statuses(serving.shelf, serving.names, [serving.batcher, serving.lines], request.model)
        return pb.GetModelStatusResponse(models=[status_message(status) for status in statuses])


class InferService(
    SeriesCalls,
    TextCalls,
    PlanCalls,
    FieldCalls,
    ValuesCalls,
    StatusCalls,
    JobCalls,
    pb_grpc.InferServiceServicer,
):
    """Predictions over gRPC."""

    def __init__(self, serving: Serving, store: InferStore, catalogue: Catalogue, fields: FieldReader) -> None:
        FieldCalls.__init__(self, serving, catalogue, fields)
        JobCalls.__init__(self, store)


def infer_rpc(serving: Serving, store: InferStore, catalogue: Catalogue, fields: FieldReader) -> Rpc:
    """The service with its roles."""
    servicer = InferService(serving, store, catalogue, fields)
    return Rpc(
        full_name="upwell.infer.v1.InferService",
        add_to=lambda server: pb_grpc.add_InferServiceServicer_to_server(servicer, server),
        roles={"StartJob": Role.REVIEWER},
    )
