"""Streamed files: the job is kept as it ended."""

from __future__ import annotations

from typing import Any

import pytest

from shared.contracts.work import WorkState, failure_of
from shared.errors import InvalidInputError, UnavailableError
from svc_ingest.domain.jobs import Request, StoppedError
from svc_ingest.use_cases.make import DatasetMaker
from svc_ingest.use_cases.streams import Streams
from tests.use_cases.ingest.fakes import FakeSpool
from tests.use_cases.ingest.world import World


def header(name: str = "pump", file_name: str = "pump.csv", **options: Any) -> Request:
    return Request(name=name, source="csv", path=file_name, options=options)


def spool_of(world: World, text: str) -> FakeSpool:
    spool = world.scratch.spool()
    spool.write(text.encode())
    return spool


def test_a_stream_becomes_a_dataset_a_job_and_an_event(world: World) -> None:
    stream = world.streams.accept(header())
    produced = world.streams.ingest(stream, spool_of(world, "one\ntwo"), lambda: False)
    assert (produced.rows, produced.channels) == (2, ("a",))
    assert world.artifacts.manifest(produced.digest).parents == ("source/file:pump.csv",)
    (job,) = world.jobs()
    assert (job.id, job.state, job.attempt) == ("stream-0", WorkState.COMPLETED, 1)
    assert job.created_at == stream.created_at
    ((subject, body),) = world.events()
    assert subject == "dataset.produced"
    assert body["producer"] == "svc_ingest/stream-0"


@pytest.mark.parametrize(
    ("request_", "field"),
    [
        (header(name=""), "name"),
        (header(file_name=""), "file_name"),
        (header(file_name="a/b.csv"), "file_name"),
        (header(file_name="..\\b.csv"), "file_name"),
        (header(file_name="a\nb.csv"), "file_name"),
        (header(file_name="a" * 300), "file_name"),
        (header(layout="round"), "options.layout"),
        (Request(name="pump", source="fax", path="pump.csv", options={}), "source"),
    ],
)
def test_a_wrong_header_is_refused_before_there_is_a_job(world: World, request_: Request, field: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        world.streams.accept(request_)
    assert [violation.field for violation in caught.value.violations] == [field]
    assert world.jobs() == []


def test_a_failed_stream_is_kept_and_not_announced(world: World) -> None:
    stream = world.streams.accept(header())
    with pytest.raises(InvalidInputError, match="line 2: is bad") as caught:
        world.streams.ingest(stream, spool_of(world, "one\nbad"), lambda: False)
    world.streams.fail(stream, caught.value)
    (job,) = world.jobs()
    assert job.state is WorkState.FAILED
    assert job.failure is not None
    assert (job.failure.cause, job.failure.reason) == ("invalid_input", "file: line 2: is bad")
    assert world.events() == []


def test_a_cancelled_stream_makes_nothing(world: World) -> None:
    stream = world.streams.accept(header())
    with pytest.raises(StoppedError):
        world.streams.ingest(stream, spool_of(world, "one"), lambda: True)
    world.streams.cancel(stream)
    assert [job.state for job in world.jobs()] == [WorkState.CANCELLED]
    assert world.events() == []


def test_a_stream_that_was_completed_stays_completed(world: World) -> None:
    stream = world.streams.accept(header())
    world.streams.ingest(stream, spool_of(world, "one"), lambda: False)
    world.streams.cancel(stream)
    assert [job.state for job in world.jobs()] == [WorkState.COMPLETED]


def test_no_worker_ever_claims_a_streamed_job(world: World) -> None:
    for end in (world.streams.cancel, lambda stream: world.streams.fail(stream, ValueError("x"))):
        end(world.streams.accept(header()))
    world.streams.ingest(world.streams.accept(header()), spool_of(world, "one"), lambda: False)
    with world.store.transaction() as tx:
        assert tx.work.claim(lease_s=1) is None


class DownObjects:
    """An object store that does not answer."""

    def __getattr__(self, name: str) -> Any:
        raise UnavailableError("The object store does not answer")


def test_a_store_that_is_down_is_told_and_leaves_no_folder(world: World) -> None:
    maker = DatasetMaker(reader=world.reader, artifacts=DownObjects(), scratch=world.scratch)
    streams = Streams(
        store=world.store,
        maker=maker,
        reader=world.reader,
        explain=failure_of,
        new_id=lambda: "x",
    )
    spool = spool_of(world, "one")
    with pytest.raises(UnavailableError):
        streams.ingest(streams.accept(header()), spool, lambda: False)
    spool.discard()
    assert list(world.scratch.root.iterdir()) == []
