"""The service's repositories on both databases."""

from __future__ import annotations

import math
import secrets
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from shared.contracts.versions import BaseVersion, DatasetVersion, ModelVersion
from shared.contracts.work import Failure, WorkState
from shared.runtime.database import Database
from shared.runtime.migrations import migrate
from svc_train.adapters.store import SqlTrainStore
from svc_train.bootstrap import MIGRATIONS
from svc_train.domain.checkpoints import Monitor, SavedCheckpoint
from svc_train.domain.run import JournalEntry, Progress, RunNotes, StepMetric, StepNumbers
from tests.support.postgres import running_postgres

pytestmark = pytest.mark.connected

STEP = Progress(
    step=3, total_steps=2**40, loss=0.5, learning_rate=1e-3, tokens_per_s=9.5, eta_s=1.5, metrics={"f1": 0.25}
)


@pytest.fixture(scope="module")
def postgres_url() -> Iterator[str]:
    with running_postgres() as server:
        yield server.fresh()


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request, tmp_path: Path) -> Iterator[SqlTrainStore]:
    schema = f"train_{secrets.token_hex(4)}"
    url = f"sqlite:///{tmp_path}/train.db" if request.param == "sqlite" else request.getfixturevalue("postgres_url")
    database = Database(url, schema=schema)
    migrate(database, MIGRATIONS)
    yield SqlTrainStore(database, source="svc_train")
    database.dispose()


def write(store: SqlTrainStore, run_id: str, *happened: Progress | str, attempt: int = 1) -> None:
    with store.transaction() as tx:
        tx.journal.add(run_id, [JournalEntry(attempt=attempt, happened=one) for one in happened])


def read(store: SqlTrainStore, run_id: str) -> list[Progress | str]:
    with store.reading() as tx:
        return [entry.happened for _, entry in tx.journal.after(run_id, 0, limit=1000)]


def test_the_journal_gives_back_what_was_written_in_its_order(store: SqlTrainStore):
    write(store, "run-1")
    write(store, "run-1", "loading", STEP, "泵 \0 broken")
    write(store, "run-2", "another run")
    assert read(store, "run-1") == ["loading", STEP, "泵 \N{REPLACEMENT CHARACTER} broken"]
    with store.reading() as tx:
        (first_id, first), *_ = tx.journal.after("run-1", 0, limit=1)
        assert first == JournalEntry(attempt=1, happened="loading")
        assert len(tx.journal.after("run-1", first_id, limit=10)) == 2


def test_a_loss_that_is_no_number_stays_none(store: SqlTrainStore):
    write(store, "run-1", replace(STEP, loss=math.nan))
    (found,) = read(store, "run-1")
    assert isinstance(found, Progress)
    assert math.isnan(found.loss)


def test_the_last_progress_of_each_run(store: SqlTrainStore):
    write(store, "run-1", STEP, replace(STEP, step=4), "a line after it")
    write(store, "run-2", "only a line")
    write(store, "run-3", replace(STEP, step=9), attempt=2)
    with store.reading() as tx:
        latest = tx.journal.latest(["run-1", "run-2", "run-3", "run-4"])
        assert tx.journal.latest([]) == {}
    assert {run_id: (one.attempt, one.progress.step) for run_id, one in latest.items()} == {
        "run-1": (1, 4),
        "run-3": (2, 9),
    }


def test_old_lines_are_forgotten_and_progress_is_not(store: SqlTrainStore):
    write(store, "run-1", "an earlier attempt")
    write(store, "run-1", STEP, *(f"line {number}" for number in range(10)), attempt=2)
    with store.transaction() as tx:
        tx.journal.trim_log("run-1", 2, keep=3)
        tx.journal.trim_log("run-1", 1, keep=3)
    assert read(store, "run-1") == ["an earlier attempt", STEP, "line 7", "line 8", "line 9"]


def test_a_dataset_is_pinned_to_its_run(store: SqlTrainStore):
    version = DatasetVersion(name="labels", digest="d" * 64, version=3, kind="segments/v1")
    with store.transaction() as tx:
        tx.runs.add("run-1", model="m")
        tx.runs.add("run-1", model="m")
        assert tx.runs.pinned_dataset("run-1") is None
        assert tx.runs.pinned_dataset("run-2") is None
        tx.runs.pin_dataset("run-1", version)
    with store.reading() as tx:
        assert tx.runs.pinned_dataset("run-1") == version


def test_a_parent_is_pinned_to_its_run_and_found_by_its_children(store: SqlTrainStore):
    base = BaseVersion(name="tiny", digest="b" * 64)
    version = ModelVersion(name="泵", version=3, run_id="run-0", bundle_digest="d" * 64, base=base)
    with store.transaction() as tx:
        tx.runs.add("run-1", model="m", parent_run="run-0")
        tx.runs.add("run-2", model="m")
        assert tx.runs.pinned_parent("run-1") is None
        tx.runs.pin_parent("run-1", version)
    with store.reading() as tx:
        assert tx.runs.pinned_parent("run-1") == version
        assert tx.runs.pinned_parent("run-2") is None
        assert tx.runs.children("run-0") == ["run-1"]


def test_the_time_of_attempts_adds_up(store: SqlTrainStore):
    with store.transaction() as tx:
        tx.runs.add("run-1", model="m")
        tx.runs.add_wall_time("run-1", 1.5)
        tx.runs.add_wall_time("run-1", 2.0)
    with store.reading() as tx:
        assert (tx.runs.wall_s("run-1"), tx.runs.wall_s("run-2")) == (3.5, 0.0)


def checkpoint(step: int, attempt: int = 1, run_id: str = "run-1", monitor: Monitor | None = None) -> SavedCheckpoint:
    return SavedCheckpoint(
        run_id=run_id,
        attempt=attempt,
        step=step,
        digest="d" * 64,
        size_bytes=2**40,
        saved_at=datetime(2026, 1, 1, tzinfo=UTC),
        monitor=monitor,
    )


def test_checkpoints_the_furthest_first(store: SqlTrainStore):
    measured = checkpoint(2**33, monitor=Monitor(name="损失", value=0.5, larger_is_better=False))
    with store.transaction() as tx:
        for one in (checkpoint(4), measured, checkpoint(4, attempt=2), checkpoint(9, run_id="run-2"), checkpoint(4)):
            tx.checkpoints.add(one)
        tx.journal.add("run-1", [JournalEntry(attempt=1, happened=STEP)])
    with store.transaction() as tx:
        assert tx.checkpoints.of("run-1") == [measured, checkpoint(4, attempt=2), checkpoint(4)]
        assert tx.checkpoints.furthest(["run-1", "run-2", "x"]) == {
            "run-1": measured,
            "run-2": checkpoint(9, run_id="run-2"),
        }
        assert sorted(tx.checkpoints.run_ids()) == ["run-1", "run-2"]
        assert (tx.journal.furthest("run-1"), tx.journal.furthest("run-2")) == (3, 0)
        tx.checkpoints.remove([measured, checkpoint(4)])
    with store.reading() as tx:
        assert tx.checkpoints.of("run-1") == [checkpoint(4, attempt=2)]


def test_runs_of_a_model_newest_first(store: SqlTrainStore):
    for number, model in enumerate(["a", "b", "a", "a"]):
        with store.transaction() as tx:
            tx.runs.add(f"run-{number}", model=model)
            tx.work.record(f"run-{number}", {"model": model})
    with store.transaction() as tx:
        tx.work.cancel("run-2")
    with store.reading() as tx:
        assert tx.runs.ids(model="a", state=None, limit=2) == ["run-3", "run-2"]
        assert tx.runs.ids(model="a", state=WorkState.QUEUED, limit=9) == ["run-3", "run-0"]
        assert tx.runs.ids(model="c", state=None, limit=9) == []


def test_a_base_is_found_by_name_and_fingerprint(store: SqlTrainStore):
    for digest in ("1" * 64, "2" * 64):
        with store.transaction() as tx:
            tx.bases.add("tiny", "f", digest)
    with store.reading() as tx:
        assert tx.bases.find("tiny", "f") == "2" * 64
        assert tx.bases.find("tiny", "g") is None
        assert tx.bases.find("other", "f") is None


def put(store: SqlTrainStore, *steps: StepNumbers, attempt: int = 1, run_id: str = "run-1") -> None:
    with store.transaction() as tx:
        tx.metrics.put(run_id, attempt, steps)


def numbers(store: SqlTrainStore, place: tuple[int, str] = (0, ""), *names: str, limit: int = 100) -> list[StepMetric]:
    with store.reading() as tx:
        return list(tx.metrics.after("run-1", place, names=names, limit=limit))


def test_numbers_are_kept_by_step_and_name(store: SqlTrainStore):
    put(store)
    put(store, StepNumbers(step=2**40, numbers={"loss": 0.1, "f1": 0.5}), StepNumbers(step=1, numbers={"损失": 1e-300}))
    put(store, StepNumbers(step=1, numbers={"loss": 7.0}), run_id="run-2")
    found = numbers(store)
    assert [(one.step, one.name, one.value) for one in found] == [
        (1, "损失", 1e-300),
        (2**40, "f1", 0.5),
        (2**40, "loss", 0.1),
    ]
    assert found[0].recorded_at.tzinfo is not None
    assert numbers(store, (2**40, "f1")) == found[2:]
    assert numbers(store, (0, ""), "loss") == found[2:]
    assert numbers(store, limit=1) == found[:1]
    with store.reading() as tx:
        assert tx.metrics.names("run-1") == ["f1", "loss", "损失"]
        assert tx.metrics.names("run-3") == []


def test_a_step_that_is_made_again_replaces_its_numbers(store: SqlTrainStore):
    put(store, *(StepNumbers(step=step, numbers={"loss": 1.0}) for step in range(1, 5)))
    again = StepNumbers(step=3, numbers={"loss": 0.5})
    put(store, again, StepNumbers(step=4, numbers={"loss": 0.5}), again, attempt=2)
    assert [(one.step, one.value, one.attempt) for one in numbers(store)] == [
        (1, 1.0, 1),
        (2, 1.0, 1),
        (3, 0.5, 2),
        (4, 0.5, 2),
    ]


def test_notes_of_runs(store: SqlTrainStore):
    failure = Failure(
        cause="killed", reason="被杀", remedy="Wait.", evidence=("a", "b"), retried_with={"batch_size": 4}
    )
    with store.transaction() as tx:
        tx.runs.add("run-1", model="m")
        tx.runs.add("run-2", model="m")
        tx.runs.retry_with("run-1", {"batch_size": 4})
        tx.runs.note_failure("run-1", failure)
    with store.reading() as tx:
        assert tx.runs.notes(["run-1", "run-2", "run-3"]) == {
            "run-1": RunNotes(retried_with={"batch_size": 4}, last_failure=failure),
            "run-2": RunNotes(),
        }
        assert tx.runs.notes([]) == {}


def test_the_log_alone(store: SqlTrainStore):
    write(store, "run-1", "loading", STEP, "done")
    with store.reading() as tx:
        found = tx.journal.after("run-1", 0, limit=10, logs_only=True)
    assert [entry.happened for _, entry in found] == ["loading", "done"]
