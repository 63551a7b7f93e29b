"""Ask."""

from __future__ import annotations

from typing import Any

from shared.contracts.interfaces import Interface
from svc_infer.domain.interfaces import wrong_call
from svc_infer.ports import ValuesModel
from svc_infer.rpc.calls import Calls
from svc_infer.wire import values as wire
from upwell.infer.v1 import values_pb2 as pb


class ValuesCalls(Calls):
    """Calls to models of families that this server knows nothing of."""

    async def Ask(self, request: pb.AskRequest, context: Any) -> pb.AskResponse:
        """Answer JSON values."""
        inputs = wire.json_inputs(request)
        async with self._caller(context) as caller:
            model = await self._model(request.model)
            if not isinstance(model, ValuesModel):
                raise wrong_call(model.version, answers=model.interface, asked=Interface.VALUES)
            answers = await self._answer(model, lambda: model.ask(inputs), caller)
        return wire.ask_response(model.version, answers)
