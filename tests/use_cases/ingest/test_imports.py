"""Imports: what is recorded, what is refused, and how a job ends."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import Any

import pytest

from shared.contracts.work import Failure, WorkState
from shared.errors import ConflictError, InvalidInputError, NotFoundError, StateError
from svc_ingest.domain.jobs import Request, StoppedError
from tests.use_cases.ingest.world import World


def never() -> bool:
    return False


def asked(path: str = "pump.csv", name: str = "pump", **options: Any) -> Request:
    return Request(name=name, source="", path=path, options=options)


@pytest.fixture
def file(world: World) -> Path:
    path = world.folder / "pump.csv"
    path.write_text("one\ntwo\n")
    return path


def test_a_request_becomes_a_dataset_and_one_event(world: World, file: Path) -> None:
    world.imports.take("job-1", asked())
    assert world.job("job-1").state is WorkState.QUEUED
    world.imports.execute(world.claim(), never)

    job = world.job("job-1")
    assert job.state is WorkState.COMPLETED
    assert job.result["rows"] == 2
    manifest = world.artifacts.manifest(job.result["digest"])
    assert manifest.kind == "series/v1"
    assert manifest.parents == ("source/file:pump.csv",)
    assert manifest.meta["source_sha256"] == hashlib.sha256(file.read_bytes()).hexdigest()
    assert world.events() == [
        (
            "dataset.produced",
            {
                "name": "pump",
                "kind": "series/v1",
                "manifestDigest": job.result["digest"],
                "producer": "svc_ingest/job-1",
            },
        )
    ]
    assert list(world.scratch.root.iterdir()) == []


def test_the_same_request_twice_is_one_job(world: World, file: Path) -> None:
    world.imports.take("job-1", asked())
    world.imports.execute(world.claim(), never)
    file.unlink()
    world.imports.take("job-1", asked())
    assert [job.state for job in world.jobs()] == [WorkState.COMPLETED]
    assert len(world.events()) == 1


def test_an_id_used_by_another_request_is_refused_without_a_word_about_the_first(world: World, file: Path) -> None:
    world.imports.take("job-1", asked())
    with pytest.raises(ConflictError, match="job-1 is already used"):
        world.imports.take("job-1", asked(name="other"))
    with pytest.raises(InvalidInputError, match="not a name"):
        world.imports.take("job-1", asked(name="no name"))
    assert world.job("job-1").state is WorkState.QUEUED
    assert world.events() == []


@pytest.mark.parametrize(
    ("request_", "error", "message"),
    [
        (asked(name="no name"), InvalidInputError, "name: 'no name' is not a name"),
        (asked(path="missing.csv"), NotFoundError, "There is no file 'missing.csv' in the import folder"),
        (asked(path="../secret.csv"), InvalidInputError, "path: '../secret.csv'"),
        (asked(path="/etc/passwd"), InvalidInputError, "path: '/etc/passwd'"),
        (asked(path="link.csv"), InvalidInputError, "leaves the import folder"),
        (asked(path="linked/secret.csv"), InvalidInputError, "leaves the import folder"),
        (asked(path="."), InvalidInputError, "not a regular file"),
        (asked(path=""), InvalidInputError, "path: '' is not a path"),
        (asked(timezone="Mars/Olympus"), InvalidInputError, "options.timezone: 'Mars/Olympus'"),
        (Request(name="pump", source="fax", path="pump.csv", options={}), InvalidInputError, "'fax' is not one of"),
    ],
)
def test_a_refused_request_is_announced_and_raised(
    world: World, file: Path, request_: Request, error: type[Exception], message: str
) -> None:
    secret = world.folder.parent / "secret.csv"
    secret.write_text("secret")
    (world.folder / "link.csv").symlink_to(secret)
    (world.folder / "linked").symlink_to(world.folder.parent)
    with pytest.raises(error, match=re.escape(message)):
        world.imports.take("job-1", request_)
    ((subject, body),) = world.events()
    assert subject == "ingest.failed"
    assert body["jobId"] == "job-1"
    assert message in body["failure"]["reason"]
    assert world.jobs() == []


def test_an_id_that_is_none_is_not_announced(world: World, file: Path) -> None:
    with pytest.raises(InvalidInputError, match="job_id: 'a b' is not an id"):
        world.imports.take("a b", asked())
    assert world.events() == []


def test_a_direct_caller_hears_the_refusal_alone(world: World) -> None:
    with pytest.raises(NotFoundError):
        world.imports.record("job-1", asked())
    assert world.events() == []


def test_a_file_that_is_swapped_for_a_link_after_recording_is_refused(world: World, file: Path) -> None:
    world.imports.take("job-1", asked())
    secret = world.folder.parent / "secret.csv"
    secret.write_text("secret")
    file.unlink()
    file.symlink_to(secret)
    with pytest.raises(InvalidInputError, match="leaves the import folder"):
        world.imports.execute(world.claim(), never)
    assert world.events() == []


def test_a_file_that_grows_while_it_is_read_is_refused(world: World, file: Path) -> None:
    world.imports.take("job-1", asked())
    world.reader.on_read = grow
    with pytest.raises(InvalidInputError, match=r"path: 'pump\.csv' changed while it was read"):
        world.imports.execute(world.claim(), never)
    assert world.events() == []


def grow(path: Path) -> None:
    path.write_text("one\ntwo\nthree\n")


def test_a_bad_line_is_told_and_nothing_is_announced_as_produced(world: World, file: Path) -> None:
    file.write_text("good\nbad\n")
    world.imports.take("job-1", asked())
    with pytest.raises(InvalidInputError, match="file: line 2: is bad"):
        world.imports.execute(world.claim(), never)
    assert world.events() == []
    event = world.imports.failed(world.job("job-1"), Failure(cause="invalid_input", reason="why"))
    assert (event.job_id, event.name, event.failure.reason) == ("job-1", "pump", "why")


def test_a_job_that_has_to_stop_makes_nothing(world: World, file: Path) -> None:
    world.imports.take("job-1", asked())
    with pytest.raises(StoppedError):
        world.imports.execute(world.claim(), lambda: True)
    assert world.events() == []
    assert not (world.folder.parent / "objects" / "manifests").exists()


def test_an_attempt_that_lost_its_lease_announces_nothing(world: World, file: Path) -> None:
    world.imports.take("job-1", asked())
    with world.store.transaction() as tx:
        stale = tx.work.claim(lease_s=-1)
    assert stale is not None
    fresh = world.claim()
    with pytest.raises(StateError, match="Attempt 1 of job-1 no longer holds"):
        world.imports.execute(stale, never)
    world.imports.execute(fresh, never)
    assert world.job("job-1").attempt == 2
    assert len(world.events()) == 1


def test_equal_content_has_one_digest_and_other_content_another(world: World, file: Path) -> None:
    def ingested(job_id: str) -> str:
        world.imports.take(job_id, asked())
        world.imports.execute(world.claim(), never)
        digest: str = world.job(job_id).result["digest"]
        return digest

    first, again = ingested("job-1"), ingested("job-2")
    file.write_text("one\ntwo\nthree\n")
    changed = ingested("job-3")
    assert first == again != changed
