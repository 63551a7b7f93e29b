"""Prediction jobs over SQLite and a folder of objects, with a model that is a fake."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sqlmodel import select

from shared.contracts.interfaces import Interface
from shared.contracts.lineage import dataset_key, model_key
from shared.contracts.versions import DatasetVersion
from shared.contracts.work import Failure, Work, WorkState
from shared.errors import (
    ConflictError,
    IntegrityError,
    InvalidInputError,
    NotFoundError,
    NotYetError,
    RetryableError,
    StateError,
)
from shared.runtime.artifacts import Artifacts, blob_key
from shared.runtime.database import Database
from shared.runtime.migrations import migrate
from shared.runtime.object_store import FolderObjectStore
from shared.runtime.outbox import OutboxRow
from svc_infer.adapters.parquet import ParquetSeries
from svc_infer.adapters.store import SqlInferStore
from svc_infer.domain.jobs import JobRequest
from svc_infer.handlers import take_events
from svc_infer.serving.batcher import Batcher, Limits
from svc_infer.serving.names import Names
from svc_infer.serving.shelf import Shelf
from svc_infer.use_cases.jobs import JobRunner, find_job, job_failed, request_job
from tests.support.fake_bus import FakeBus
from tests.unit.infer.fakes import FakeCatalogue, FakeLoader, version
from upwell.infer.v1 import events_pb2 as events

MIGRATIONS = Path(__file__).parents[3] / "svc_infer" / "migrations"
REQUEST = JobRequest(dataset="pump-7", model="pump")


class FakeLease:
    """Holds until `left` questions have been asked."""

    def __init__(self, left: int = 1_000_000) -> None:
        self.left = left

    @property
    def must_stop(self) -> bool:
        self.left -= 1
        return self.left < 0


class World:
    """What a job needs, and a registry that knows the dataset `pump-7` and the model `pump`."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.database = Database(f"sqlite:///{root / 'infer.db'}", schema="svc_infer")
        migrate(self.database, MIGRATIONS)
        self.store = SqlInferStore(self.database, source="svc_infer")
        self.objects = FolderObjectStore(root / "objects")
        self.artifacts = Artifacts(self.objects)
        self.catalogue = FakeCatalogue()
        self.loader = FakeLoader()
        self.shelf = Shelf(self.loader, capacity=4)
        self.batcher = Batcher(Limits())
        self.names = Names(self.catalogue, self.shelf)
        self.runner = JobRunner(
            store=self.store,
            catalogue=self.catalogue,
            artifacts=self.artifacts,
            reader=ParquetSeries(),
            names=self.names,
            shelf=self.shelf,
            batcher=self.batcher,
            folder=root / "jobs",
            chunk_values=64,
        )
        self.shelf.start()
        self.batcher.start()
        values = np.zeros(300)
        values[100:110] = 9.0
        values[200] = np.nan
        self.add_dataset("pump-7", {"flow": values, "load": np.zeros(300)})
        self.catalogue.promote(version(3))

    def add_dataset(self, name: str, columns: dict[str, np.ndarray], *, times=None, kind: str = "series/v1") -> None:
        rows = len(next(iter(columns.values())))
        path = self.root / "series.parquet"
        times = pa.array(range(rows), pa.int64()) if times is None else times
        arrays = {key: pa.array(values, pa.float64(), from_pandas=True) for key, values in columns.items()}
        pq.write_table(pa.table({"time": times, **arrays}), path)
        manifest = self.artifacts.store(kind=kind, files={"series.parquet": path}, meta={}, parents=[])
        self.catalogue.datasets[name] = DatasetVersion(name=name, digest=manifest.digest, version=2, kind=kind)

    def claimed(self, request: JobRequest = REQUEST, job_id: str = "job-1") -> Work:
        request_job(self.store, job_id=job_id, request=request)
        return self.claim_again()

    def claim_again(self) -> Work:
        with self.store.transaction() as tx:
            work = tx.work.claim(lease_s=0)
        assert work is not None
        return work

    def events(self) -> list[tuple[str, dict]]:
        with self.database.reading() as session:
            rows = session.exec(select(OutboxRow).order_by(OutboxRow.id)).all()
            return [(row.subject, json.loads(row.body)) for row in rows]

    def result_file(self, digest: str, path: str) -> dict:
        entry = self.artifacts.manifest(digest).file(path)
        return json.loads(self.objects.get_bytes(blob_key(entry.sha256), max_bytes=2**20))


class FakePlanner:
    """Answers no series."""

    interface = Interface.PLAN
    version = version(3)


@pytest.fixture
def world(tmp_path) -> Iterator[World]:
    made = World(tmp_path)
    yield made
    made.batcher.stop()
    made.shelf.stop()
    made.database.dispose()


def test_a_job_writes_its_results_and_says_so_once(world):
    work = world.claimed()
    world.runner.run(work, FakeLease())

    done = find_job(world.store, "job-1")
    assert done.state is WorkState.COMPLETED
    [(subject, body)] = world.events()
    assert subject == "infer.completed"
    dataset = world.catalogue.datasets["pump-7"]
    assert abs(datetime.now(UTC) - datetime.fromisoformat(body.pop("finishedAt"))) < timedelta(minutes=1)
    assert body == {
        "jobId": "job-1",
        "dataset": {"name": "pump-7", "version": 2, "manifestDigest": dataset.digest},
        "model": {"name": "pump", "version": 3, "runId": "pump-run-3"},
        "resultDigest": done.result["result_digest"],
        "segmentCount": "1",
    }
    manifest = world.artifacts.manifest(body["resultDigest"])
    assert manifest.kind == "prediction/v1"
    assert set(manifest.parents) == {dataset_key("pump-7", dataset.digest), model_key("pump-run-3")}
    segments = world.result_file(body["resultDigest"], "segments.json")
    assert segments["dataset"] == {"name": "pump-7", "digest": dataset.digest, "version": 2}
    assert segments["model"] == {"name": "pump", "version": 3, "run_id": "pump-run-3"}
    [segment] = segments["segments"]
    assert (segment["start_row"], segment["end_row"], segment["channel"]) == (100, 110, "flow")
    assert (segment["start_time"], segment["end_time"]) == (100, 109)
    metrics = world.result_file(body["resultDigest"], "metrics.json")
    assert (metrics["rows"], metrics["channels"], metrics["segment_count"]) == (300, 2, 1)
    assert metrics["score_quantiles"]["1"] == pytest.approx(0.9)
    assert not list((world.root / "jobs").iterdir()), "nothing is left on disk"


def test_a_series_with_a_clock_gives_nanoseconds(world):
    start = 1_700_000_000_000_000_000
    times = pa.array([start + 1000 * row for row in range(20)], pa.timestamp("ns", tz="UTC"))
    values = np.zeros(20)
    values[4:6] = 8.0
    world.add_dataset("clocked", {"flow": values}, times=times)
    world.runner.run(world.claimed(JobRequest(dataset="clocked", model="pump@3")), FakeLease())
    [(_, body)] = world.events()
    [segment] = world.result_file(body["resultDigest"], "segments.json")["segments"]
    assert (segment["start_time"], segment["end_time"]) == (start + 4000, start + 5000)


def test_the_same_request_twice_is_one_job(world):
    assert request_job(world.store, job_id="job-1", request=REQUEST) == "job-1"
    assert request_job(world.store, job_id="job-1", request=REQUEST) == "job-1"
    world.claim_again()
    with world.store.transaction() as tx:
        assert len(tx.work.list(limit=10)) == 1
    with pytest.raises(ConflictError, match="job-1 is already used by another request"):
        request_job(world.store, job_id="job-1", request=JobRequest(dataset="other", model="pump"))


@pytest.mark.parametrize(
    ("request_", "field"),
    [
        (JobRequest(dataset="", model="pump"), "dataset"),
        (JobRequest(dataset="pump-7:newest", model="pump"), "dataset"),
        (JobRequest(dataset="pump-7", model="pump@zero"), "model"),
    ],
)
def test_a_malformed_request_is_refused_and_announced(world, request_, field):
    with pytest.raises(InvalidInputError) as error:
        request_job(world.store, job_id="job-1", request=request_)
    assert error.value.violations[0].field == field
    [(subject, body)] = world.events()
    assert subject == "infer.failed"
    assert body["jobId"] == "job-1"
    assert body["failure"]["cause"] == "invalid_input"
    assert body["failure"]["reason"] == str(error.value)
    with pytest.raises(NotFoundError):
        find_job(world.store, "job-1")


def test_a_malformed_request_under_the_id_of_another_job_does_not_call_that_failed(world):
    request_job(world.store, job_id="job-1", request=REQUEST)
    with pytest.raises(InvalidInputError):
        request_job(world.store, job_id="job-1", request=JobRequest(dataset="", model=""))
    assert world.events() == []


def test_an_id_that_cannot_be_one_is_refused_and_names_nothing(world):
    with pytest.raises(InvalidInputError, match="job_id"):
        request_job(world.store, job_id="../etc", request=REQUEST)
    assert world.events() == []


@pytest.mark.parametrize(
    "request_", [JobRequest(dataset="unseen", model="pump"), JobRequest(dataset="pump-7", model="x")]
)
def test_a_name_that_is_not_known_yet_is_waited_for(world, request_):
    with pytest.raises(NotYetError, match="There is no"):
        world.runner.run(world.claimed(request_), FakeLease())


def test_a_dataset_of_another_kind_is_refused(world):
    world.add_dataset("labels", {"flow": np.zeros(3)}, kind="segments/v1")
    with pytest.raises(InvalidInputError, match="labels@2 is of the kind 'segments/v1'; predictions are made over"):
        world.runner.run(world.claimed(JobRequest(dataset="labels", model="pump")), FakeLease())


def test_a_model_that_answers_no_series_is_refused_before_anything_is_read(world):
    world.loader.models["pump-run-3"] = FakePlanner()
    with pytest.raises(InvalidInputError, match=r"pump@3 answers tasks \(Plan\), not series \(Predict\)"):
        world.runner.run(world.claimed(), FakeLease())
    assert not world.runner.folder.exists()


def test_a_refused_model_fails_the_job_with_the_reason(world):
    world.loader.errors["pump-run-3"] = IntegrityError("model.safetensors is damaged")
    work = world.claimed()
    with pytest.raises(StateError, match=r"pump@3 was refused.*model.safetensors is damaged") as error:
        world.runner.run(work, FakeLease())
    event = job_failed(work, error.value.failure)
    assert event.failure.cause == "integrity"
    assert event.request == REQUEST


def test_a_damaged_series_is_refused(world):
    manifest = world.artifacts.manifest(world.catalogue.datasets["pump-7"].digest)
    world.objects.put_bytes(blob_key(manifest.files[0].sha256), b"PAR1 flipped")
    with pytest.raises(IntegrityError, match=r"series.parquet is damaged"):
        world.runner.run(world.claimed(), FakeLease())


def test_a_job_that_has_to_end_publishes_nothing_and_can_be_done_again(world):
    with pytest.raises(RetryableError):
        world.runner.run(world.claimed(), FakeLease(left=4))
    assert world.events() == []
    world.runner.run(world.claim_again(), FakeLease())
    assert find_job(world.store, "job-1").attempt == 2


def test_an_attempt_that_lost_its_lease_completes_nothing(world):
    stale = world.claimed()
    fresh = world.claim_again()
    with pytest.raises(StateError, match="Attempt 1 of job-1 no longer holds its lease"):
        world.runner.run(stale, FakeLease())
    assert world.events() == []
    world.runner.run(fresh, FakeLease())
    assert [subject for subject, _ in world.events()] == ["infer.completed"]


def test_a_failure_is_kept_with_the_job(world):
    work = world.claimed()
    failure = Failure(cause="not_yet", reason="There is no dataset")
    with world.store.transaction() as tx:
        tx.work.fail(work.id, work.attempt, failure)
        tx.outbox.add(job_failed(work, failure))
    assert find_job(world.store, "job-1").failure == failure
    assert [subject for subject, _ in world.events()] == ["infer.failed"]


@pytest.mark.parametrize(("job_id", "told"), [("job-2", ["infer.failed"]), ("job-1", []), ("no spaces", [])])
async def test_a_request_with_an_unknown_field_is_refused_aloud_where_its_id_names_it(world, job_id, told):
    request_job(world.store, job_id="job-1", request=REQUEST)
    bus: Any = FakeBus()
    take_events(bus, world.store, follower=None)
    with pytest.raises(InvalidInputError):
        await bus.deliver(events.InferRequested, b'{"job_id": "%s", "dataset": "pump-7", "x": 1}' % job_id.encode())
    assert [subject for subject, _ in world.events()] == told
    if told:
        ((_, body),) = world.events()
        assert (body["jobId"], body["dataset"], body["failure"]["cause"]) == (job_id, "pump-7", "invalid_input")
        assert 'no field named "x"' in body["failure"]["reason"]
