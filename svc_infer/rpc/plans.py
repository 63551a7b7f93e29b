"""Plan."""

from __future__ import annotations

from typing import Any

from shared.contracts.interfaces import Interface
from svc_infer.domain.interfaces import wrong_call
from svc_infer.ports import PlanModel
from svc_infer.rpc.calls import Calls
from svc_infer.wire import plans as wire
from upwell.infer.v1 import plan_pb2 as pb


class PlanCalls(Calls):
    """Calls to planners."""

    async def Plan(self, request: pb.PlanRequest, context: Any) -> pb.PlanResponse:
        """Choose for one task."""
        asked = wire.plan_input(request)
        async with self._caller(context) as caller:
            model = await self._model(request.model)
            if not isinstance(model, PlanModel):
                raise wrong_call(model.version, answers=model.interface, asked=Interface.PLAN)
            answer = await self._answer(model, lambda: model.plan(asked), caller)
        return wire.plan_response(model.version, answer)
