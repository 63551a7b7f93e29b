"""The loop on real data while each service in turn is killed with SIGKILL in the middle of its part."""

from __future__ import annotations

import asyncio
import csv
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import TypeVar

import pytest

from tests.support.bus import publish, stream_messages
from tests.support.servers import Servers, Service, running_servers
from upwell.client import Connection, Upwell, UpwellClientError
from upwell.common.v1 import common_pb2 as common
from upwell.demo.series.data import prepare
from upwell.errors import ToolError
from upwell.events import SERVICES
from upwell.infer.v1 import infer_service_pb2 as infer
from upwell.ingest.v1 import events_pb2 as ingest
from upwell.label.v1 import label_service_pb2 as label
from upwell.registry.v1 import lineage_service_pb2 as lineage

pytestmark = [pytest.mark.connected, pytest.mark.heavy, pytest.mark.timeout(400)]
T = TypeVar("T")
TINY_RUN = {"max_steps": 60, "batch_size": 4, "window": 128}


@pytest.fixture
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    with running_servers(tmp_path_factory.mktemp("e2e")) as running:
        yield running


@pytest.fixture
def services(servers: Servers) -> dict[str, Service]:
    # The registry first, for svc_infer is not ready without it. Short leases: killed work is taken over soon.
    return {name: servers.run_service(name, UPWELL_LEASE_SECONDS="3") for name in reversed(SERVICES)}


@pytest.fixture
async def upwell(servers: Servers, services: dict[str, Service]) -> AsyncIterator[Upwell]:
    async with Upwell.connect(Connection.from_environment(servers.client_environment)) as client:
        yield client


async def until(ask: Callable[[], Awaitable[T | None]], within_s: float = 90.0) -> T:
    """Ask until there is an answer; a service that is away is asked again."""
    limit = asyncio.get_running_loop().time() + within_s
    last: Exception | None = None
    while asyncio.get_running_loop().time() < limit:
        try:
            answer = await ask()
            if answer:
                return answer
        except (UpwellClientError, ToolError) as error:
            last = error
        await asyncio.sleep(0.2)
    raise AssertionError(f"not within {within_s} s: {ask}; {last!r}")


async def kill_and_restart(service: Service, pause_s: float = 0.3) -> None:
    service.kill()
    await asyncio.sleep(pause_s)
    await asyncio.to_thread(service.start)


def values_of(path: Path) -> list[float]:
    with path.open(newline="") as file:
        return [float(row["value"]) for row in csv.DictReader(file)]


async def test_the_loop_survives_the_death_of_each_service(
    servers: Servers, services: dict[str, Service], upwell: Upwell, tmp_path: Path
) -> None:
    path = prepare(tmp_path).normal
    options = ingest.ReadOptions(time_column="timestamp", time_format="index", channels=["value"])

    # svc_ingest dies when it has answered, perhaps before it has announced.
    made = await upwell.ingest.file(path, name="压力", source="csv", options=options)
    await kill_and_restart(services["svc_ingest"])
    series = await until(lambda: upwell.registry.dataset("压力"))
    assert series.ref.manifest_digest == made.dataset.manifest_digest

    # svc_label dies in the middle of a job.
    job_id = await upwell.label.start("压力@1", labeler="inject", output="injected")
    await kill_and_restart(services["svc_label"])

    async def labelled() -> label.LabelJob | None:
        job = await upwell.label.job(job_id)
        assert job.state != common.WORK_STATE_FAILED, job.failure
        return job if job.state == common.WORK_STATE_COMPLETED else None

    job = await until(labelled)
    assert job.candidate_count > 10

    # svc_registry dies while an export is announced.
    services["svc_registry"].kill()
    await asyncio.to_thread(services["svc_registry"].start)
    exported = await until(lambda: upwell.label.export("injected", output="labels"))
    await kill_and_restart(services["svc_registry"])
    labels = await until(lambda: upwell.registry.dataset("labels"))
    assert labels.ref.manifest_digest == exported.dataset.manifest_digest

    # svc_train dies in the middle of a run.
    request = {
        "runId": "run-1",
        "recipe": "series-lm",
        "dataset": "labels",
        "model": "detector",
        "hyperparameters": TINY_RUN,
    }
    await asyncio.to_thread(publish, servers, "client", "train.requested", json.dumps(request).encode())

    async def stepping() -> bool:
        run = await upwell.train.run("run-1")
        assert run.state != common.WORK_STATE_FAILED, run.failure
        return run.progress.step > 0

    await until(stepping)
    await kill_and_restart(services["svc_train"])
    # The same request again, as a publisher that never got its answer would send it.
    await asyncio.to_thread(publish, servers, "client", "train.requested", json.dumps(request).encode())
    model = await until(lambda: upwell.registry.trained_model("run-1"), 150)
    assert (await upwell.train.run("run-1")).attempt >= 2
    assert [found.ref.version for found in await upwell.registry.models()] == [1]

    # svc_infer dies when it has heard of the promotion.
    await upwell.registry.promote("detector", version=model.ref.version, alias="champion", reason="test")
    await kill_and_restart(services["svc_infer"])
    asked = infer.Series(id="again", channels=[infer.Channel(name="value", values=values_of(path))])
    answer = await until(lambda: upwell.infer.predict("detector", [asked]))
    assert (answer.model.name, answer.model.version) == ("detector", 1)

    # And again in the middle of a prediction over a dataset.
    prediction = await upwell.infer.request("injected", model="detector@1")
    await kill_and_restart(services["svc_infer"])

    async def predicted() -> infer.PredictionJob | None:
        found = await upwell.infer.job(prediction)
        assert found.state != common.WORK_STATE_FAILED, found.failure
        return found if found.state == common.WORK_STATE_COMPLETED else None

    result = (await until(predicted)).result
    wanted = label.CandidateFilter(dataset="injected", labeler="model:detector@1")

    async def proposed() -> bool:
        return (await upwell.label.candidates(wanted, limit=1)).total_count == result.segment_count

    await until(proposed)

    # One version, its whole ancestry, and nothing given up.
    graph: lineage.GetLineageResponse = await until(lambda: upwell.lineage.ancestors("detector@1"))
    labels_of = {node.label for node in graph.nodes}
    assert {"detector@1", "labels@1", "injected@1", "压力@1", "tiny-qwen"} <= labels_of
    assert {"source", "dataset", "reviews", "run", "base", "model"} == {node.type for node in graph.nodes}
    assert await asyncio.to_thread(stream_messages, servers, "DEAD") == []
    for service in services.values():
        assert await asyncio.to_thread(service.terminate) == 0
