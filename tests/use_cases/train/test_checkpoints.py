"""Checkpoints of attempts: brought home beside the training, kept, found again, and removed at last."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import update

from shared.contracts.work import WorkState
from shared.errors import RetryableError, StateError, UnavailableError
from shared.runtime.work import WorkRow
from svc_train.domain.checkpoints import SavedCheckpoint
from svc_train.recipes.hyperparameters import Rule, hyperparameter
from svc_train.use_cases import checkpoints
from svc_train.use_cases.cleaning import remove_stale_checkpoints
from svc_train.use_cases.metrics import list_metrics
from svc_train.use_cases.requests import cancel_run, resume_run
from tests.support.servers import wait_until
from tests.use_cases.train.fakes import FakeConfig, FakeRecipe
from tests.use_cases.train.world import COMPLETED, STEPS, World


@dataclass(frozen=True, slots=True, kw_only=True)
class KeepOne(FakeConfig):
    """Keeps the newest only."""

    keep_last: int = hyperparameter(1, Rule(help="Newest."))
    keep_best: int = hyperparameter(0, Rule(help="Best."))


def leave(world: World, step: int, content: str = "") -> Callable[[], None]:
    """The child leaves a checkpoint, without a word."""

    def write() -> None:
        folder = Path(world.launcher.jobs[-1]["checkpoints_dir"], f"step-{step:08d}")
        (folder / "sub").mkdir(parents=True)
        (folder / "state.json").write_text(content or f"state after {step}")
        (folder / "sub" / "weights").write_text("w" * 1000)

    return write


def say(step: int, value: float | None = None) -> str:
    """The child says that it left one."""
    monitor = None if value is None else {"name": "f1", "value": value, "larger_is_better": True}
    return json.dumps({"event": "checkpoint", "step": step, "metrics": {}, "monitor": monitor})


def saved(world: World, run_id: str = "run-1") -> list[SavedCheckpoint]:
    with world.store.reading() as tx:
        return list(tx.checkpoints.of(run_id))


def until_saved(world: World, step: int) -> Callable[[], Any]:
    return lambda: wait_until(lambda: step in [one.step for one in saved(world)], 10, every_s=0.01)


def one_by_one(world: World, *steps: tuple[int, float | None]) -> list[Any]:
    """Each is home before the next is left."""
    return [part for step, value in steps for part in (leave(world, step), say(step, value), until_saved(world, step))]


def objects(world: World) -> list[str]:
    return sorted(world.objects.keys("runs/"))


def crash_after(world: World, *script: Any) -> None:
    """An attempt that is killed after the script; the run goes back to the queue."""
    world.launcher.script, world.launcher.exit_code = script, -9
    work = world.claim()
    with pytest.raises(RetryableError):
        world.execution()(work, world.lease)
    world.release(work)


def complete(world: World, *script: Any) -> None:
    world.launcher.script, world.launcher.exit_code = [*script, *STEPS, COMPLETED], 0
    world.execution()(world.claim(), world.lease)


def test_the_next_attempt_goes_on_from_the_furthest_checkpoint(world: World):
    found: list[tuple[str, int]] = []
    world.start()
    crash_after(world, *one_by_one(world, (4, None), (8, None)))

    def look() -> None:
        folder = Path(world.launcher.jobs[-1]["resume_from"])
        found.append(((folder / "state.json").read_text(), len((folder / "sub" / "weights").read_text())))

    complete(world, look)
    assert found == [("state after 8", 1000)]
    assert world.launcher.jobs[0]["resume_from"] == ""
    assert world.work().state is WorkState.COMPLETED


def test_when_the_run_completes_its_checkpoints_go(world: World):
    world.start()
    complete(world, *one_by_one(world, (4, None)))
    assert saved(world) == []
    assert objects(world) == []


def test_the_newest_and_the_best_are_kept(world: World):
    world.start()
    crash_after(world, *one_by_one(world, (1, 0.1), (2, 0.9), (3, 0.2), (4, None), (5, 0.3)))
    assert [one.step for one in saved(world)] == [5, 4, 2]
    assert {key.split("/")[4] for key in objects(world)} == {"step-2", "step-4", "step-5"}


def test_a_run_says_how_many_are_kept(world: World):
    world.recipes["fake-lm"] = FakeRecipe(config_type=KeepOne)
    world.start()
    crash_after(world, *one_by_one(world, (1, 0.9), (2, 0.1)))
    assert [one.step for one in saved(world)] == [2]


def test_a_damaged_checkpoint_is_given_up_for_the_one_before(world: World):
    world.start()
    crash_after(world, *one_by_one(world, (4, None), (8, None)))
    world.objects.put_bytes("runs/run-1/1/checkpoints/step-8/files/state.json", b"damaged")
    found: list[str] = []
    crash_after(world, lambda: found.append(Path(world.launcher.jobs[-1]["resume_from"], "state.json").read_text()))
    assert found == ["state after 4"]
    assert [one.step for one in saved(world)] == [4]
    assert {key.split("/")[4] for key in objects(world)} == {"step-4"}


def test_without_any_whole_checkpoint_a_run_begins_again(world: World):
    world.start()
    crash_after(world, *one_by_one(world, (4, None)))
    for key in objects(world):
        world.objects.delete(key)
    complete(world)
    assert world.launcher.jobs[-1]["resume_from"] == ""


class SlowFiles:
    """An object store that the test can take down."""

    def __init__(self, world: World) -> None:
        self._files, self.is_down, self.tried = world.checkpoints, True, threading.Event()

    def save(self, *arguments: Any) -> tuple[str, int]:
        if self.is_down:
            self.tried.set()
            raise UnavailableError("The object store does not answer")
        return self._files.save(*arguments)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._files, name)


def test_while_the_object_store_is_down_training_goes_on_and_only_the_newest_waits(world: World, monkeypatch):
    monkeypatch.setattr(checkpoints, "RETRY_S", 0.02)
    files = SlowFiles(world)
    left: list[list[str]] = []
    world.start()
    world.launcher.script = [
        *(leave(world, 1), say(1), files.tried.wait),
        *(leave(world, 2), say(2), leave(world, 3), say(3), leave(world, 4), say(4), STEPS[0]),
        lambda: left.append(folders(world, until=1)),
        lambda: setattr(files, "is_down", False),
        until_saved(world, 4),
        lambda: left.append(folders(world, until=0)),
    ]
    world.launcher.exit_code = -9
    with pytest.raises(RetryableError):
        world.execution(checkpoints=files)(world.claim(), world.lease)
    assert left == [["step-00000004"], []]
    assert [one.step for one in saved(world)] == [4]
    assert world.steps() == [1]


def folders(world: World, *, until: int) -> list[str]:
    folder = Path(world.launcher.jobs[-1]["checkpoints_dir"])
    wait_until(lambda: len(list(folder.iterdir())) == until, 10, every_s=0.01)
    return [path.name for path in folder.iterdir()]


def test_a_stale_attempt_leaves_neither_row_nor_object(world: World):
    world.start()
    work = world.claim()

    def another_takes_over() -> None:
        world.release(work)
        world.claim()

    files = SlowFiles(world)
    files.is_down = False
    world.launcher.script = [another_takes_over, leave(world, 4), say(4), lambda: time.sleep(0.3), STEPS[0]]
    world.launcher.exit_code = None
    with pytest.raises(StateError):
        world.execution(checkpoints=files)(work, world.lease)
    assert saved(world) == []
    assert objects(world) == []


def test_a_cancelled_run_brings_its_last_checkpoint_home_and_goes_on_from_it(world: World):
    world.start()
    # What it leaves when it is stopped is left without a word.
    world.launcher.script = [lambda: cancel_run(world.store, "run-1", cancelled_by="ann"), leave(world, 7), STEPS[0]]
    world.launcher.exit_code = None
    with pytest.raises(StateError):
        world.execution()(world.claim(), world.lease)
    assert [one.step for one in saved(world)] == [7]
    assert world.work().state is WorkState.CANCELLED
    resume_run(world.store, "run-1")
    complete(world)
    assert world.launcher.jobs[-1]["resume_from"]
    assert world.work().attempt == 2


def test_the_numbers_of_the_steps_before_a_last_checkpoint_are_kept(world: World):
    world.start()
    columns = {"step": [6, 7], "loss": [0.5, 0.25]}
    told = json.dumps({"event": "progress", "step": 7, "total_steps": 9, "loss": 0.25, "steps": columns})
    world.launcher.script = [lambda: cancel_run(world.store, "run-1", cancelled_by="ann"), leave(world, 7), STEPS[0]]
    world.launcher.exit_code, world.launcher.last_words = None, [told, say(7, 0.75)]
    with pytest.raises(StateError):
        world.execution()(world.claim(), world.lease)
    page = list_metrics(world.store, "run-1", names=["loss"], from_step=0, after=None, limit=10)
    assert [(one.step, one.value) for one in page.metrics] == [(6, 0.5), (7, 0.25)]
    [checkpoint] = saved(world)
    assert checkpoint.monitor is not None
    assert checkpoint.monitor.value == 0.75


def test_what_was_spent_is_forgiven_by_a_checkpoint_and_by_a_further_step(world: World):
    world.start()
    crash_after(world, STEPS[0])
    assert world.work().spent == 1
    crash_after(world, STEPS[0])
    assert world.work().spent == 2
    crash_after(world, *one_by_one(world, (1, None)))
    assert world.work().spent == 1
    crash_after(world)
    assert world.work().spent == 2
    crash_after(world, STEPS[1])
    assert world.work().spent == 1


def test_the_time_of_all_attempts_is_counted(world: World):
    world.start()
    crash_after(world, lambda: time.sleep(0.2), STEPS[0])
    complete(world, lambda: time.sleep(0.2))
    (completed,) = world.events("train.completed")
    assert float(completed["wallTime"].removesuffix("s")) > 0.4
    assert completed["deviceTime"] == completed["wallTime"]


def age(world: World, days: float) -> None:
    """The run ended so long ago."""
    with world.database.transaction() as session:
        session.exec(update(WorkRow).values(finished_at=datetime.now(UTC) - timedelta(days=days)))


def test_cleaning_removes_the_checkpoints_of_runs_that_ended_long_ago(world: World):
    world.start()
    crash_after(world, *one_by_one(world, (4, None)))
    remove_stale_checkpoints(world.store, world.checkpoints, keep_days=7)
    assert [one.step for one in saved(world)] == [4]
    cancel_run(world.store, "run-1", cancelled_by="ann")
    age(world, 6)
    remove_stale_checkpoints(world.store, world.checkpoints, keep_days=7)
    assert [one.step for one in saved(world)] == [4]
    age(world, 8)
    remove_stale_checkpoints(world.store, world.checkpoints, keep_days=7)
    assert saved(world) == []
    assert objects(world) == []


def test_cleaning_removes_what_stale_attempts_left_and_nothing_else(world: World):
    world.start()
    crash_after(world, *one_by_one(world, (4, None)))
    world.claim()
    for key in ("run-1/1/checkpoints/step-6/files/a", "run-1/2/checkpoints/step-6/files/a", "other/1/checkpoints/x"):
        world.objects.put_bytes(f"runs/{key}", b"")
    world.objects.put_bytes("runs/unknown/1/checkpoints/step-6/files/a", b"")
    remove_stale_checkpoints(world.store, world.checkpoints, keep_days=7)
    left = {"/".join(key.split("/")[1:5]) for key in objects(world)}
    assert left == {
        "run-1/1/checkpoints/step-4",
        "run-1/2/checkpoints/step-6",
        "other/1/checkpoints/x",
        "unknown/1/checkpoints/step-6",
    }
