"""Forecast."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

from shared.contracts.interfaces import Interface
from shared.errors import InvalidInputError
from shared.ports import Catalogue
from svc_infer.domain.fields import Forecast, leads_of
from svc_infer.domain.interfaces import wrong_call
from svc_infer.ports import FieldModel, FieldReader
from svc_infer.rpc.calls import Calls, Serving
from svc_infer.use_cases.forecasts import months_of_dataset
from svc_infer.wire import fields as wire
from upwell.infer.v1 import forecast_pb2 as pb

READERS = 2


class FieldCalls(Calls):
    """Calls to models that look ahead from fields."""

    def __init__(self, serving: Serving, catalogue: Catalogue, reader: FieldReader) -> None:
        super().__init__(serving)
        # A large dataset takes long to fetch: who asks for one must not hold up those who look for a model.
        self._readers = ThreadPoolExecutor(READERS, thread_name_prefix="dataset-reader")
        self._catalogue = catalogue
        self._reader = reader

    async def Forecast(self, request: pb.ForecastRequest, context: Any) -> pb.ForecastResponse:
        """Look ahead from months that are sent along or named."""
        async with self._caller(context) as caller:
            model = await self._model(request.model)
            if not isinstance(model, FieldModel):
                raise wrong_call(model.version, answers=model.interface, asked=Interface.FIELD)
            leads = leads_of(request.leads, model.horizon)
            dataset = None
            observed: Mapping[str, Sequence[float]] = {}
            match request.WhichOneof("source"):
                case "fields":
                    asked = wire.field_input(request.fields, leads=leads)
                case "dataset":
                    named = wire.dataset_months(request.dataset)
                    reading = partial(months_of_dataset, self._catalogue, self._reader, named, model, leads=leads)
                    dataset, read = await asyncio.get_running_loop().run_in_executor(self._readers, reading)
                    asked, observed = read.asked, read.observed
                case _:
                    raise InvalidInputError.of("source", "send `fields`, or name a `dataset`")
            answer = await self._answer(model, lambda: model.forecast(asked), caller)
        forecast = Forecast(asked=asked, dataset=dataset, observed=observed, answer=answer)
        return wire.forecast_response(model.version, forecast)
