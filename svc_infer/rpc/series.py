"""Predict."""

from __future__ import annotations

import asyncio
from typing import Any

from shared.contracts.interfaces import Interface
from svc_infer.domain.interfaces import wrong_call
from svc_infer.ports import SeriesModel
from svc_infer.rpc.calls import Calls
from svc_infer.wire import series as wire
from upwell.infer.v1 import infer_service_pb2 as pb


class SeriesCalls(Calls):
    """Calls about series."""

    async def Predict(self, request: pb.PredictRequest, context: Any) -> pb.PredictResponse:
        """Answer on the loop: a thread a call would cost more than all else around the model."""
        series = wire.series_values(request)
        async with self._caller(context) as caller:
            model = await self._model(request.model)
            if not isinstance(model, SeriesModel):
                raise wrong_call(model.version, answers=model.interface, asked=Interface.SERIES)
            answering = self._serving.batcher.submit(model, series, deadline=caller.deadline)
            answers = await asyncio.wrap_future(answering)
        return wire.predict_response(model.version, answers, series, include_scores=request.include_scores)
