"""One call for each interface, over real gRPC, with models that are fakes; series have a file of their own."""

from __future__ import annotations

import asyncio
import gc
import math
import threading
from collections.abc import AsyncIterator
from datetime import date
from typing import Any

import grpc
import numpy as np
import pytest
import pytest_asyncio
from google.protobuf import json_format
from google.protobuf.struct_pb2 import Struct

from shared.contracts.interfaces import Interface
from shared.contracts.kinds import Kind
from shared.contracts.versions import DatasetVersion, ModelVersion
from shared.errors import InvalidInputError
from shared.fields.layout import FieldHeader
from shared.fields.months import months_between
from shared.fields.values import FieldAnswer, FieldInput
from shared.fields.writing import write_field
from shared.planning.values import Choice, PlanAnswer, PlanInput
from svc_infer.domain.texts import TextQuestion, TextReply
from tests.component.infer.server import Client, Server, refused
from tests.unit.infer.fakes import version
from upwell.client.calls import violations_of
from upwell.infer.v1 import forecast_pb2, plan_pb2, text_pb2, values_pb2

LAT, LON = np.arange(-5.0, 5.1, 2.5), np.arange(180.0, 250.1, 10)
MONTHS = months_between(date(2008, 1, 1), date(2009, 12, 1))
WAIT_S = 10.0


class Texts:
    """Says a word a token, up to as many as were asked for, or until nobody waits; `slow` waits before each."""

    interface = Interface.TEXT

    def __init__(self, of: ModelVersion) -> None:
        self.version = of
        self.asked: list[TextQuestion] = []
        self.slow_s = 0.0
        self.stopped = threading.Event()

    def converse(self, question: TextQuestion, *, say: Any, must_stop: Any) -> TextReply:
        self.asked.append(question)
        text = ""
        for number in range(question.max_new_tokens):
            if must_stop():
                self.stopped.set()
                raise TimeoutError("nobody waits")
            threading.Event().wait(self.slow_s)
            say(f"{number} ")
            text += f"{number} "
        return TextReply(text=text, tokens=question.max_new_tokens, prompt_tokens=7, finish="length")


class Plans:
    """Uses the tool whose number is the length of the state."""

    interface = Interface.PLAN

    def __init__(self, of: ModelVersion) -> None:
        self.version = of

    def plan(self, asked: PlanInput) -> PlanAnswer:
        used = {"cpu_cores": float(asked.used[-1, 0]), "latency_ms": 12.5}
        choice = Choice(tool_id=len(asked.used), config_id=40, tool=asked.task, configuration=used, confidence=0.75)
        return PlanAnswer(id=asked.id, choice=choice, runner_up=None, feasible=True)


class Fields:
    """Forecasts that everything stays as it was in the last month."""

    interface = Interface.FIELD
    history = 12
    horizon = 6

    def __init__(self, of: ModelVersion) -> None:
        self.version = of

    def forecast(self, asked: FieldInput) -> FieldAnswer:
        if len(asked.values) != self.history:
            raise InvalidInputError.of("fields.months", f"{len(asked.values)} months; the model reads {self.history}")
        return FieldAnswer(
            id=asked.id,
            channels=asked.channels,
            values=np.repeat(asked.values[-1:], asked.leads, axis=0),
            lat=asked.lat,
            lon=asked.lon,
            months=months_between(date(2010, 1, 1), date(2010, asked.leads, 1)),
            nino={"nino34": tuple(float(lead) for lead in range(asked.leads))},
            units=asked.units,
            bases=asked.bases,
            nino_rmse={"nino34": tuple(0.25 + lead for lead in range(asked.leads))},
        )


class Values:
    """Gives each number back doubled; no number is refused."""

    interface = Interface.VALUES

    def __init__(self, of: ModelVersion) -> None:
        self.version = of

    def ask(self, inputs: Any) -> list[dict[str, Any]]:
        if any("x" not in one for one in inputs):
            raise InvalidInputError.of("inputs.x", "is absent")
        return [{"twice": 2 * one["x"], "note": None, "whole": isinstance(one["x"], int)} for one in inputs]


MODELS = {"texts": Texts, "plans": Plans, "fields": Fields, "values": Values}


class Interfaces(Client):
    """Calls of every interface."""

    def __init__(self, server: Server) -> None:
        super().__init__(server)
        self.server = server

    def generate(self, *contents: str, model: str = "texts", timeout: float = WAIT_S, **more: Any) -> Any:
        return self.stub.Generate(_asked(model, contents, more), timeout=timeout, metadata=self.metadata)

    def stream(self, *contents: str, model: str = "texts", timeout: float = WAIT_S, **more: Any) -> Any:
        request = text_pb2.GenerateStreamRequest(request=_asked(model, contents, more))
        return self.stub.GenerateStream(request, timeout=timeout, metadata=self.metadata)

    def plan(self, *, model: str = "plans", task: str = "rank it", times: int = 3, cores: float = 2.0) -> Any:
        used = [plan_pb2.ResourceUse(cpu_cores=cores, memory_gb=4)] * times
        return self.stub.Plan(plan_pb2.PlanRequest(model=model, task=task, used=used), metadata=self.metadata)

    def ask(self, *inputs: dict[str, Any], model: str = "values") -> Any:
        structs = [json_format.ParseDict(one, Struct()) for one in inputs]
        return self.stub.Ask(values_pb2.AskRequest(model=model, inputs=structs), metadata=self.metadata)

    def forecast(self, *, model: str = "fields", **source: Any) -> Any:
        return self.stub.Forecast(forecast_pb2.ForecastRequest(model=model, **source), metadata=self.metadata)

    def loaded(self, name: str) -> Any:
        return self.server.shelf.ready(version(1, name=name))


def _asked(model: str, contents: tuple[str, ...], more: dict[str, Any]) -> text_pb2.GenerateRequest:
    messages = [
        text_pb2.ChatMessage(role=("user", "assistant")[at % 2], content=one) for at, one in enumerate(contents)
    ]
    return text_pb2.GenerateRequest(model=model, messages=messages, **more)


@pytest_asyncio.fixture
async def client(tmp_path) -> AsyncIterator[Interfaces]:
    server = Server(tmp_path)
    for name, kind in MODELS.items():
        of = version(1, name=name)
        server.loader.models[of.run_id] = kind(of)
        server.catalogue.promote(of)
    server.names.reconcile()
    await server.grpc.start()
    made = Interfaces(server)
    yield made
    await made.channel.close()
    await server.stop()


async def wrong_field(call: Any) -> str:
    """The field that a call is refused for, and why."""
    error = await refused(call)
    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
    (violation,) = violations_of(error)
    return f"{violation.field}: {violation.reason}"


async def test_a_plan_comes_with_tool_configuration_and_confidence(client):
    answer = await client.plan(cores=2.5)
    assert (answer.model.name, answer.feasible, answer.HasField("runner_up")) == ("plans", True, False)
    choice = answer.choice
    assert (choice.tool_id, choice.config_id, choice.tool, choice.confidence) == (3, 40, "rank it", 0.75)
    assert dict(choice.configuration) == {"cpu_cores": 2.5, "latency_ms": 12.5}


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"task": " "}, "task: is empty: say what is to be done"),
        ({"task": "x" * 17_000}, "task: it has 17000 bytes; send at most 16384 (16 KiB)"),
        ({"times": 0}, "used: 0 times were sent; send 1 to 4096"),
        ({"cores": -1}, "used.cpu_cores: -1.0 at time 0 is not a finite number from 0 up"),
        ({"cores": math.nan}, "used.cpu_cores: nan at time 0 is not a finite number from 0 up"),
    ],
)
async def test_a_wrong_state_or_task_is_told_by_field(client, wrong, said):
    assert await wrong_field(client.plan(**wrong)) == said


async def test_any_other_family_answers_json_with_json(client):
    answer = await client.ask({"x": 2}, {"x": 1.5})
    assert answer.model.name == "values"
    assert [dict(one) for one in answer.answers] == [
        {"twice": 4, "note": None, "whole": True},
        {"twice": 3, "note": None, "whole": False},
    ]


async def test_wrong_values_are_told_by_field(client):
    assert await wrong_field(client.ask()) == "inputs: 0 were sent; send 1 to 64"
    assert await wrong_field(client.ask({"y": 1})) == "inputs.x: is absent"


def sent(**changes: Any) -> forecast_pb2.Fields:
    values = np.arange(12 * len(LAT) * len(LON), dtype=np.float32) / 64
    values[3] = np.nan
    plain = {
        "channels": ["sst"],
        "latitudes": LAT,
        "longitudes": LON,
        "months": [f"2009-{month:02d}" for month in range(1, 13)],
        "values": values,
    }
    return forecast_pb2.Fields(**(plain | changes))


async def test_a_forecast_goes_on_from_months_that_are_sent_along(client):
    answer = await client.forecast(fields=sent(), leads=2)
    fields = answer.fields
    assert (list(fields.channels), list(fields.months)) == (["sst"], ["2010-01", "2010-02"])
    assert list(fields.latitudes) == LAT.tolist()
    last = list(sent().values)[-len(LAT) * len(LON) :]
    assert list(fields.values) == last * 2
    assert [(index.name, list(index.values)) for index in answer.nino] == [("nino34", [0.0, 1.0])]
    assert not answer.HasField("dataset")
    assert list(answer.history_months) == list(sent().months)
    (before,) = answer.history_nino
    assert (before.name, len(before.values)) == ("nino34", 12)
    assert before.values[2] - before.values[1] == pytest.approx(len(LAT) * len(LON) / 64)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"channels": []}, "fields.channels: 0 were sent; send 1 to 64"),
        ({"months": ["2009-13"] * 12}, "fields.months[0]: '2009-13' is no month"),
        ({"months": ["2009-01"] * 12}, "fields.months: 2009-01 does not come after 2009-01"),
        ({"latitudes": LAT[::-1]}, "fields.latitudes: are not increasing degrees"),
        ({"values": [1.0, 2.0]}, "fields.values: 2 were sent; months x channels x latitudes x longitudes are 480"),
        ({"values": [math.inf] * 480}, "values: hold an infinite value"),
        ({"units": ["degC"] * 2}, "units: 2 for 1 channels"),
        ({"bases": ["1982"]}, "bases: '1982' is none: write 1982-01/2010-12"),
        ({"values": [27.5] * 480}, "values: sst has 27.5 degC; a month's anomaly lies within -15 to 15. These look"),
        ({"months": ["2009-11", "2009-12"], "values": [0.0] * 80}, "fields.months: 2 months; the model reads 12"),
    ],
)
async def test_wrong_months_are_told_by_field(client, wrong, said):
    assert (await wrong_field(client.forecast(fields=sent(**wrong)))).startswith(said)


async def test_leads_are_as_many_as_the_model_can_and_no_more(client):
    assert len((await client.forecast(fields=sent())).fields.months) == 6
    assert await wrong_field(client.forecast(fields=sent(), leads=7)) == (
        "leads: 7: the model looks at most 6 months ahead"
    )
    assert await wrong_field(client.forecast()) == "source: send `fields`, or name a `dataset`"


@pytest.fixture
def ocean(client, tmp_path) -> np.ndarray:
    """A stored dataset `ocean@1`, the newest; its temperatures."""
    rng = np.random.default_rng(1)
    sst = rng.normal(27, 1, (len(MONTHS), len(LAT), len(LON))).astype(np.float32)
    header = FieldHeader(
        channels={"sst": "degC"},
        months=MONTHS,
        lat=LAT,
        lon=LON,
        land=np.zeros((len(LAT), len(LON)), dtype=bool),
        base=(MONTHS[0], MONTHS[-1]),
    )
    files = write_field(tmp_path / "ocean", header, {"sst": sst})
    digest = client.server.artifacts.store(kind=Kind.FIELD, files=files, meta={}, parents=()).digest
    add_dataset(client, "ocean", digest, Kind.FIELD)
    return sst


def add_dataset(client: Interfaces, name: str, digest: str, kind: str) -> None:
    client.server.catalogue.datasets[name] = DatasetVersion(name=name, version=1, digest=digest, kind=str(kind))


async def test_a_forecast_goes_on_from_months_of_a_dataset(client, ocean):
    named = forecast_pb2.DatasetMonths(dataset="ocean", last_month="2009-06")
    answer = await client.forecast(dataset=named, leads=1)
    assert (answer.dataset.name, answer.dataset.version) == ("ocean", 1)
    assert (answer.history_months[0], answer.history_months[-1]) == ("2008-07", "2009-06")
    june = ocean[[5, 17]].mean(axis=0)
    np.testing.assert_allclose(np.array(answer.fields.values).reshape(ocean[0].shape), ocean[17] - june, atol=1e-4)
    assert (list(answer.fields.units), list(answer.fields.bases)) == (["degC"], ["2008-01/2009-12"])
    newest = await client.forecast(dataset=forecast_pb2.DatasetMonths(dataset="ocean"))
    assert newest.history_months[-1] == "2009-12"
    assert not newest.observed_nino
    of_the_year = await client.forecast(dataset=forecast_pb2.DatasetMonths(dataset="ocean", last_month="2009"))
    assert of_the_year.history_months == newest.history_months


async def test_a_forecast_comes_with_its_error_and_with_what_came(client, ocean):
    named = forecast_pb2.DatasetMonths(dataset="ocean", last_month="2009-10")
    answer = await client.forecast(dataset=named, leads=3)
    assert list(answer.nino[0].rmse) == [0.25, 1.25, 2.25]
    # The dataset ends with 2009-12.
    assert [len(index.values) for index in answer.observed_nino] == [2]
    later = await client.forecast(dataset=forecast_pb2.DatasetMonths(dataset="ocean", last_month="2009-12"))
    assert answer.observed_nino[0].name == "nino34"
    np.testing.assert_allclose(answer.observed_nino[0].values, later.history_nino[0].values[-2:], atol=1e-6)


@pytest.mark.parametrize(
    ("dataset", "last_month", "said"),
    [
        ("ocean", "2008-06", "dataset.last_month: the model goes on from 12 months, and ocean@1 begins with 2008-01"),
        ("ocean", "2011-01", "month: 2011-01 is not within 2008-01 to 2009-12"),
        ("ocean", "june", "dataset.last_month: 'june' is no month"),
        ("readings", "", "dataset.dataset: readings@1 is of the kind 'series/v1'; forecasts go on from 'field/v1'"),
        ("Ocean!", "", "dataset.dataset: "),
    ],
)
async def test_months_that_a_dataset_does_not_have_are_told_by_field(client, ocean, dataset, last_month, said):
    add_dataset(client, "readings", "0" * 64, Kind.SERIES)
    named = forecast_pb2.DatasetMonths(dataset=dataset, last_month=last_month)
    assert (await wrong_field(client.forecast(dataset=named))).startswith(said)


async def test_a_reply_comes_piece_by_piece_and_ends_with_the_counts(client):
    *pieces, last = [one async for one in client.stream("Hi", max_new_tokens=3)]
    assert [one.text for one in pieces] == ["0 ", "1 ", "2 "]
    assert (last.text, last.finish, last.tokens, last.prompt_tokens) == ("", text_pb2.FINISH_LENGTH, 3, 7)
    assert {one.model.name for one in (*pieces, last)} == {"texts"}
    assert (await client.generate("Hi", max_new_tokens=3)).text == "0 1 2 "


@pytest.mark.parametrize("call", ["generate", "stream"])
async def test_the_model_stops_at_the_deadline(client, call):
    texts = client.loaded("texts")
    texts.slow_s = 0.02
    error = await refused(_all(getattr(client, call)("Hi", max_new_tokens=1000, timeout=0.2)))
    assert error.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    assert await asyncio.to_thread(texts.stopped.wait, WAIT_S)


@pytest.mark.parametrize("call", ["generate", "stream"])
async def test_the_model_stops_when_the_caller_hangs_up(client, call, caplog):
    texts = client.loaded("texts")
    texts.slow_s = 0.02
    running = getattr(client, call)("Hi", max_new_tokens=1000)
    if call == "stream":
        assert (await anext(aiter(running))).text == "0 "
    else:
        while not texts.asked:
            await asyncio.sleep(0.01)
    running.cancel()
    assert await asyncio.to_thread(texts.stopped.wait, WAIT_S)
    while client.server.lines.waiting(texts):
        await asyncio.sleep(0.01)
    await asyncio.sleep(0.05)
    gc.collect()
    assert "never retrieved" not in caplog.text


async def _all(call: Any) -> Any:
    return [one async for one in call] if hasattr(call, "__aiter__") else await call


def attached(*marks: str) -> list[text_pb2.Attachment]:
    return [text_pb2.Attachment(mark=mark, npz=str(at).encode()) for at, mark in enumerate(marks)]


async def test_attachments_reach_the_model_in_the_order_of_their_marks(client):
    await client.generate(
        "<geoformer> and <geoformer>?", "Yes.", "So?", attachments=attached("<geoformer>", "<geoformer>")
    )
    assert client.loaded("texts").asked[-1].features == (b"0", b"1")


@pytest.mark.parametrize(
    ("said", "attachments", "reason"),
    [
        ("none", attached("<a>"), "attachments[0].mark: the user's turns have 0 of <a>, the attachments 1: each"),
        ("<a> <a>", attached("<a>"), "attachments[0].mark: the user's turns have 2 of <a>, the attachments 1: each"),
        ("<a>", attached("a"), "attachments[0].mark: 'a' is no mark: write it as <geoformer>"),
        ("<a> <b>", attached("<b>", "<a>"), "attachments[1].mark: <a> comes before the mark of the attachment"),
        ("<a>", [text_pb2.Attachment(mark="<a>")], "attachments[0].npz: is empty"),
        ("<a>" * 17, attached(*["<a>"] * 17), "attachments: 17 were sent; send at most 16"),
    ],
)
async def test_attachments_that_fit_no_mark_are_refused(client, said, attachments, reason):
    assert (await wrong_field(client.generate(said, attachments=attachments))).startswith(reason)


@pytest.mark.parametrize(
    ("call", "model", "said"),
    [
        ("plan", "texts", "texts@1 answers conversations (Generate), not tasks (Plan)"),
        ("ask", "plans", "plans@1 answers tasks (Plan), not JSON values (Ask)"),
        ("forecast", "values", "values@1 answers JSON values (Ask), not months of fields (Forecast)"),
        ("generate", "fields", "fields@1 answers months of fields (Forecast), not conversations (Generate)"),
        ("stream", "pump", "pump@1 answers series (Predict), not conversations (Generate)"),
        ("predict", "plans", "plans@1 answers tasks (Plan), not series (Predict)"),
    ],
)
async def test_a_wrong_call_is_told_which_one_the_model_answers(client, call, model, said):
    given = {"ask": ({"x": 1},), "generate": ("Hi",), "stream": ("Hi",)}.get(call, ())
    assert await wrong_field(_all(getattr(client, call)(*given, model=model))) == f"model: {said}"


async def test_the_status_counts_those_who_wait_in_line(client):
    texts = client.loaded("texts")
    texts.slow_s = 0.02
    running = client.stream("Hi", max_new_tokens=1000)
    await anext(aiter(running))
    assert (await client.statuses("texts"))["texts@1"].queue_length == 1
    running.cancel()
