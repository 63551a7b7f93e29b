"""Publishing requests and working dead letters, against a real server."""

from __future__ import annotations

import asyncio
import json
import sys

import pytest

from upwell.bus import connection
from upwell.client.numbering import Numbering
from upwell.client.publisher import Publisher
from upwell.common.v1 import common_pb2
from upwell.deadletters import newest_letters, read_letter, replay_letter
from upwell.demo import publish_request
from upwell.errors import BusError, ToolError, UpwellClientError
from upwell.permissions import ADMIN, CLIENT
from upwell.train.v1 import events_pb2

pytestmark = [pytest.mark.connected, pytest.mark.asyncio(loop_scope="module")]


async def last(js, stream: str, subject: str):
    return await js.get_last_msg(stream, subject)


async def test_a_request_is_readable_json_with_an_id(bus):
    request = events_pb2.TrainRequested(run_id="r-1", recipe="series-lm", dataset="泵@1", model="m")
    request.hyperparameters["max_steps"] = 3
    event_id = await Publisher(bus.bus_url(CLIENT)).publish(request)
    async with connection(bus.bus_url(ADMIN)) as admin:
        message = await last(admin.jetstream(), "TRAIN", "train.requested")
    assert json.loads(message.data) == {
        "run_id": "r-1",
        "recipe": "series-lm",
        "dataset": "泵@1",
        "model": "m",
        "hyperparameters": {"max_steps": 3.0},
    }
    assert message.headers["Nats-Msg-Id"] == message.headers["ce-id"] == event_id
    assert message.headers["ce-type"] == "upwell.train.v1.TrainRequested"


async def test_a_request_over_the_limit_is_refused_with_the_limit(bus):
    request = events_pb2.TrainRequested(recipe="x" * 300_000)
    with pytest.raises(BusError, match="262144"):
        await Publisher(bus.bus_url(CLIENT)).publish(request)


async def test_a_bus_that_is_away_is_named_after_a_while(monkeypatch):
    monkeypatch.setattr("upwell.client.publisher.PATIENCE_S", 0.3)
    with pytest.raises(BusError, match=r"127\.0\.0\.1:1 could not be used"):
        await Publisher("nats://client:secret@127.0.0.1:1").publish(events_pb2.TrainRequested())


async def test_the_bare_program_publishes(bus):
    body = '{"recipe":"series-lm","dataset":"labels","model":"detector"}'
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        publish_request.__file__,
        bus.bus_url(CLIENT),
        "train.requested",
        body,
        stdout=asyncio.subprocess.PIPE,
    )
    printed, _ = await process.communicate()
    async with connection(bus.bus_url(ADMIN)) as admin:
        message = await last(admin.jetstream(), "TRAIN", "train.requested")
    assert json.loads(message.data) == json.loads(body)
    assert int(printed) == message.seq


async def test_a_dead_letter_goes_back_where_it_came_from(bus):
    async with connection(bus.bus_url(ADMIN)) as admin, connection(bus.bus_url("svc_train")) as service:
        js = admin.jetstream()
        headers = {"Nats-Msg-Id": "m-1", "ce-id": "e-1"}
        first = await js.publish("train.requested", b'{"recipe":"x"}', headers=headers)
        told = {**headers, "Nats-Msg-Id": "dead-1", "upwell-subject": "train.requested", "upwell-reason": "no"}
        buried = await service.jetstream().publish("dead.train.requested", b'{"recipe":"x"}', headers=told)
        assert (await newest_letters(js, limit=1))[0].number == buried.seq
        place = await replay_letter(js, await read_letter(js, buried.seq))
        again = await js.get_msg("TRAIN", place)
        # With the first message id the stream would have dropped it.
        assert place > first.seq
        assert (again.data, again.headers["ce-id"]) == (b'{"recipe":"x"}', "e-1")
        with pytest.raises(ToolError, match="no dead letter"):
            await read_letter(js, buried.seq)


async def test_a_dataset_that_the_registry_refuses_is_told_with_its_reason(bus):
    class NeverNumbered:
        async def produced_dataset(self, made):
            raise UpwellClientError("NOT_FOUND", "not yet")

    refusal = {
        "dataset": {"name": "pump", "manifest_digest": "d1"},
        "failure": {"reason": "pump is of the kind series/v1.", "remedy": "Use another name."},
        "a_field_of_tomorrow": 1,
    }
    async with connection(bus.bus_url("svc_registry")) as registry:
        await registry.jetstream().publish("dataset.rejected", json.dumps(refusal).encode())
    numbering = Numbering(NeverNumbered(), bus.bus_url(CLIENT))
    with pytest.raises(ToolError, match=r"refused pump: pump is of the kind series/v1\. Use another name\."):
        await numbering.dataset(common_pb2.DatasetRef(name="pump", manifest_digest="d1"))
    with pytest.raises(ToolError, match="did not come within"):
        await numbering.dataset(common_pb2.DatasetRef(name="pump", manifest_digest="d2"), within_s=0.5)
