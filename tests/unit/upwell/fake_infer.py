"""svc_infer with behaviour enough for the client and the command."""

# ruff: noqa: N802 - gRPC names the methods

from __future__ import annotations

import time
from typing import Any

import grpc

from upwell.common.v1 import common_pb2
from upwell.infer.v1 import (
    forecast_pb2,
    infer_service_pb2,
    infer_service_pb2_grpc,
    plan_pb2,
    text_pb2,
    values_pb2,
)

WORDS = ["It ", "is ", "warm ", "暖"]


class FakeInfer(infer_service_pb2_grpc.InferServiceServicer):
    """Remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[Any] = []
        self.remaining_s: list[float] = []  # of the callers' deadlines
        self.thinks_s = 0.0
        self.refuses = ""  # in these words, as over its own limit
        self.refuses_words: dict[str, tuple[grpc.StatusCode, str]] = {}  # a last turn, and how it is refused

    def _take(self, request, context):
        self.asked.append(request)
        self.remaining_s.append(context.time_remaining())
        time.sleep(self.thinks_s)
        if self.refuses:
            context.abort(grpc.StatusCode.DEADLINE_EXCEEDED, self.refuses)

    def Predict(self, request, context):
        self._take(request, context)
        answer = infer_service_pb2.PredictResponse(model=_named(request))
        for series in request.series:
            found = answer.answers.add(id=series.id, text="one segment")
            found.segments.add(start_row=1, end_row=2, start_time=series.times[1], end_time=series.times[1])
            if request.include_scores:
                found.scores.add(channel="value", scores=[0.5] * len(series.channels[0].values))
        return answer

    def Generate(self, request, context):
        self._take(request, context)
        text = "".join(WORDS)
        return text_pb2.GenerateResponse(
            model=_named(request), text=text, finish=text_pb2.FINISH_LENGTH, tokens=4, prompt_tokens=9
        )

    def GenerateStream(self, request, context):
        self._take(request.request, context)
        if refused := self.refuses_words.get(request.request.messages[-1].content):
            context.abort(*refused)
        named = _named(request.request)
        for word in WORDS:
            yield text_pb2.GenerateStreamResponse(model=named, text=word)
        yield text_pb2.GenerateStreamResponse(model=named, finish=text_pb2.FINISH_STOP, tokens=5, prompt_tokens=9)

    def Plan(self, request, context):
        self._take(request, context)
        feasible = request.task != "too much"
        tools = [0, 0 if feasible else 1]
        choices = [
            plan_pb2.PlanChoice(
                tool_id=tool,
                config_id=40 + number,
                tool=f"tool-{tool}",
                configuration={"latency_ms": 12.5, "nodes": 1, "cpu_cores": 2, "memory_gb": 4, "input_size": 1},
                confidence=0.75,
            )
            for number, tool in enumerate(tools)
        ]
        return plan_pb2.PlanResponse(model=_named(request), choice=choices[0], runner_up=choices[1], feasible=feasible)

    def Forecast(self, request, context):
        self._take(request, context)
        months = [f"2009-{month:02d}" for month in range(7, 7 + (request.leads or 3))]
        nan = float("nan")
        return forecast_pb2.ForecastResponse(
            model=_named(request),
            fields=forecast_pb2.Fields(
                channels=["sst", "taux"],
                latitudes=[-1, 1],
                longitudes=[190, 192, 194],
                months=months,
                values=[*(nan, 1, 2, -3, 4, 5), *([0.1] * 6)] * len(months),
                units=["degC", "N m-2"],
                bases=["1982-01/2010-12", "given"],
            ),
            nino=[
                forecast_pb2.NinoIndex(
                    name="nino34", values=[0.5 + lead for lead in range(len(months))], rmse=[0.25] * len(months)
                )
            ],
            dataset=common_pb2.DatasetRef(name=request.dataset.dataset, version=1),
            history_months=["2009-05", "2009-06"],
            history_nino=[forecast_pb2.NinoIndex(name="nino34", values=[-0.5, 0.25])],
            observed_nino=[forecast_pb2.NinoIndex(name="nino34", values=[0.75])],
        )

    def Ask(self, request, context):
        self._take(request, context)
        return values_pb2.AskResponse(model=_named(request), answers=list(request.inputs))


def _named(request: Any) -> common_pb2.ModelRef:
    return common_pb2.ModelRef(name=request.model, version=4)
