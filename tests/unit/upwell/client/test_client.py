"""The client against real gRPC: tokens, deadlines, errors, streams that break."""

from __future__ import annotations

import time
from concurrent import futures

import grpc
import pytest

from tests.unit.upwell.fakes import TOKEN, FakeRegistry
from upwell.client import Connection, FieldViolation, Upwell, UpwellClientError, following
from upwell.client.waiting import until
from upwell.common.v1 import common_pb2
from upwell.errors import SilenceError, ToolError
from upwell.ingest.v1 import events_pb2
from upwell.local.ports import choose_ports
from upwell.registry.v1 import registry_service_pb2, registry_service_pb2_grpc
from upwell.train.v1 import metrics_pb2


@pytest.fixture
async def upwell(services):
    async with Upwell.connect(services.connection()) as client:
        yield client


async def test_the_token_goes_with_every_call(upwell, services):
    services.registry.produce("pump", 1)
    await upwell.registry.dataset("pump")
    assert services.registry.tokens == [f"Bearer {TOKEN}"]


async def test_an_error_has_code_sentence_and_fields(upwell):
    with pytest.raises(UpwellClientError, match="Two fields are wrong") as caught:
        await upwell.train.start("nope", dataset="d", model="m")
    assert caught.value.code == "INVALID_ARGUMENT"
    assert caught.value.violations == (FieldViolation("recipe", "unknown"), FieldViolation("dataset", "unknown"))


async def test_a_service_that_is_away_is_named(services):
    async with Upwell.connect(services.connection(registry="127.0.0.1:1")) as upwell:
        with pytest.raises(UpwellClientError, match=r"svc_registry at 127\.0\.0\.1:1 does not answer") as caught:
            await upwell.registry.datasets()
    assert caught.value.code == "UNAVAILABLE"


async def test_an_address_that_is_missing_is_named():
    async with Upwell.connect(Connection(infer="127.0.0.1:1")) as upwell:
        with pytest.raises(ToolError, match="UPWELL_REGISTRY_ADDRESS"):
            await upwell.registry.datasets()
        with pytest.raises(ToolError, match="UPWELL_NATS_URL"):
            await upwell.infer.request("d", model="m")


async def test_pages_are_joined_up_to_the_limit(upwell, services):
    for _ in range(25):
        services.registry.produce("pump", 1)
    assert [each.ref.version for each in await upwell.registry.datasets(limit=7)] == list(range(25, 18, -1))
    assert len(await upwell.registry.datasets(limit=1000)) == 25


async def test_a_file_goes_in_chunks_with_progress(upwell, services, tmp_path):
    path = tmp_path / "big.csv"
    path.write_bytes(b"h\n" + b"1\n" * (5 * 2**18))
    told = []
    options = events_pb2.ReadOptions(timezone="Asia/Shanghai")
    made = await upwell.ingest.file(
        path, name="泵", options=options, parameters={"base_start": 1982}, progress=lambda *done: told.append(done)
    )
    assert made.rows == 5 * 2**18
    assert services.ingest.chunks == [2**20, 2**20, 2**19 + 2]
    assert told[-1] == (path.stat().st_size, path.stat().st_size)
    (header,) = services.ingest.headers
    assert (header.name, header.source, header.file_name) == ("泵", "", "big.csv")
    assert header.options == options
    assert dict(header.parameters) == {"base_start": 1982}


async def test_a_file_that_is_missing_or_refused(upwell, tmp_path):
    with pytest.raises(ToolError, match=r"nothing\.csv cannot be read"):
        await upwell.ingest.file(tmp_path / "nothing.csv", name="x")
    path = tmp_path / "some.csv"
    path.write_bytes(b"1\n" * 2**21)
    with pytest.raises(UpwellClientError, match="line 2: bad"):
        await upwell.ingest.file(path, name="x", options=events_pb2.ReadOptions(time_format="nonsense"))


async def test_a_number_is_waited_for(upwell, services):
    made = services.registry.produce("pump", 1)
    services.registry.slowness = 3
    assert (await upwell.numbering.dataset(made)).ref.version == 1


async def test_a_number_that_does_not_come_is_an_error(upwell):
    unknown = common_pb2.DatasetRef(name="pump", manifest_digest="f" * 64)
    with pytest.raises(ToolError, match=r"The registry's number for pump did not come within 0 s \(There is no"):
        await upwell.numbering.dataset(unknown, within_s=0.2)


async def watched(upwell, **options):
    seen = []
    async for answer in upwell.train.watch("r1", **options):
        match answer.WhichOneof("happened"):
            case "run":
                seen.append(common_pb2.WorkState.Name(answer.run.state).removeprefix("WORK_STATE_"))
            case "progress":
                seen.append(answer.progress.step)
            case "log_line":
                seen.append(answer.log_line)
    return seen


STORY = ["RUNNING", "line 1", 1, "line 2", 2, "line 3", 3, "COMPLETED"]


async def test_a_run_is_watched_from_its_beginning_to_its_end(upwell):
    assert await watched(upwell) == STORY


@pytest.mark.parametrize("breaks_after", range(1, 8))
async def test_a_watch_that_breaks_goes_on_and_repeats_nothing(upwell, services, breaks_after):
    services.train.breaks_after = breaks_after
    seen = await watched(upwell)
    assert [item for item in seen if item != "RUNNING"] == STORY[1:]
    # The second watch asks for what comes behind the first.
    assert services.train.told_after == [0, 10 * (breaks_after - 1)]


async def test_a_watch_begins_behind_a_place_and_may_leave_progress_out(upwell):
    assert await watched(upwell, after_sequence=30, logs_only=True) == ["RUNNING", "line 3", "COMPLETED"]


async def test_the_log_until_now(upwell):
    answers = [answer async for answer in upwell.train.log("r1")]
    assert [(answer.log_line, answer.sequence) for answer in answers] == [
        ("line 1", 10),
        ("line 2", 30),
        ("line 3", 50),
    ]


async def test_numbers_of_all_pages(upwell, services):
    services.train.metrics = [metrics_pb2.StepMetric(step=step, name="loss", value=1 / step) for step in range(1, 8)]
    services.train.largest_page = 3
    found = [one async for one in upwell.train.metrics("r1", names=["loss"], from_step=2)]
    assert [one.step for one in found] == [2, 3, 4, 5, 6, 7]
    assert [request.page_token for request in services.train.metric_requests] == ["", "3"]
    assert list(await upwell.train.metric_names("r1")) == ["loss"]


async def test_a_run_that_is_not_recorded_yet_is_waited_for(upwell, services):
    services.train.unknown, told = 2, []
    assert await watched(upwell, when_unknown=lambda: told.append("waiting")) == STORY
    assert told == ["waiting"]


async def test_a_run_that_is_not_known_is_given_up_sooner_than_a_service_that_is_away(upwell, services, monkeypatch):
    monkeypatch.setattr(following, "UNKNOWN_S", 0.3)
    services.train.unknown = 1000
    with pytest.raises(UpwellClientError, match="There is no such run"):
        await watched(upwell)
    assert services.train.unknown == 998


async def test_a_run_that_is_never_recorded_is_an_error(upwell, services):
    services.train.unknown = 1000
    with pytest.raises(UpwellClientError, match="There is no such run"):
        await watched(upwell, patience_s=0.3)


async def test_a_service_that_has_nothing_to_tell_is_asked_again_and_repeats_nothing(upwell, services):
    services.train.silences = [1, 1, 4]
    assert await watched(upwell, silence_s=0.3, patience_s=5) == STORY
    assert services.train.told_after == [0, 0, 0, 30]


async def test_a_watch_of_a_service_that_is_gone_ends(upwell, services):
    """It neither answers nor closes the connection, as a machine that lost its power."""
    services.train.silences = [1, *[0] * 20]
    with pytest.raises(SilenceError, match=r"has said nothing for 0\.2 s\. Nothing .* the run for 1 s") as lost:
        await watched(upwell, silence_s=0.2, patience_s=0.5)
    assert "`upwell runs watch r1` follows it again" in str(lost.value)


async def test_a_watch_of_a_service_that_has_stopped_ends(services):
    nobody = f"127.0.0.1:{choose_ports(['train'], {})['train']}"
    async with Upwell.connect(services.connection(train=nobody)) as upwell:
        with pytest.raises(SilenceError, match=r"does not answer\. Is it running"):
            await watched(upwell, patience_s=0.3)


async def test_waiting_ends_at_once_for_an_error_that_stays():
    async def refused():
        raise UpwellClientError("PERMISSION_DENIED", "no")

    with pytest.raises(UpwellClientError, match="no"):
        await until(refused, within_s=60, what="it")


async def test_a_call_has_a_deadline(upwell, services):
    class Slow(FakeRegistry):
        def ListModels(self, request, context):  # noqa: N802 - gRPC names it
            time.sleep(0.5)

    server = grpc.server(futures.ThreadPoolExecutor(1))
    registry_service_pb2_grpc.add_RegistryServiceServicer_to_server(Slow(), server)
    address = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    server.start()
    async with Upwell.connect(services.connection(registry=address)) as slow:
        stub = slow.registry._stub
        with pytest.raises(UpwellClientError, match=r"did not answer within 0\.1 s\. Try again later") as caught:
            await slow.registry._caller.call(stub.ListModels, registry_service_pb2.ListModelsRequest(), deadline_s=0.1)
    assert caught.value.code == "DEADLINE_EXCEEDED"
    server.stop(None).wait()


async def test_roots_that_cannot_be_read_are_named(services, tmp_path):
    async with Upwell.connect(services.connection(ca=tmp_path / "none.pem")) as upwell:
        with pytest.raises(ToolError, match=r"roots to trust cannot be read from .*none\.pem"):
            await upwell.registry.dataset("pump")
