"""Questions about runs, and the folders they leave."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from shared.contracts.work import WorkState
from shared.errors import NotFoundError
from svc_train.domain.run import Progress
from svc_train.use_cases import runs
from svc_train.use_cases.cleaning import remove_stale_folders
from svc_train.use_cases.requests import cancel_run
from svc_train.use_cases.runs import get_run, list_runs, look
from tests.use_cases.train.world import COMPLETED, REQUEST, World


def test_a_run_shows_its_last_progress(world: World):
    world.execution()(world.claimed(), world.lease)
    run = get_run(world.store, "run-1")
    assert run.request == REQUEST
    assert run.progress is not None
    assert run.progress.progress.step == 2
    with pytest.raises(NotFoundError):
        get_run(world.store, "run-2")


def test_runs_are_listed_newest_first_and_narrowed(world: World):
    for number, model in enumerate(["a", "b", "a"]):
        world.start(replace(REQUEST, model=model), run_id=f"run-{number}")
    world.execution()(world.claim(), world.lease)

    def listed(**narrowed) -> list[str]:
        return [run.work.id for run in list_runs(world.store, **{"model": "", "state": None, "limit": 10, **narrowed})]

    assert listed() == ["run-2", "run-1", "run-0"]
    assert listed(model="a") == ["run-2", "run-0"]
    assert listed(model="a", state=WorkState.COMPLETED) == ["run-0"]
    assert listed(state=WorkState.QUEUED, limit=1) == ["run-2"]
    assert listed(model="c") == []


def test_a_watcher_sees_everything_in_pages_and_then_the_end(world: World, monkeypatch):
    monkeypatch.setattr(runs, "ENTRIES_A_LOOK", 4)
    steps = [json.dumps({"event": "progress", "step": n, "total_steps": 10, "loss": 1.0}) for n in range(1, 11)]
    world.launcher.script = [*steps, COMPLETED]
    world.execution()(world.claimed(), world.lease)
    seen: list[int] = []
    after, looks = 0, 0
    while True:
        looked = look(world.store, "run-1", after=after)
        looks += 1
        for entry_id, entry in looked.entries:
            after = entry_id
            assert isinstance(entry.happened, Progress)
            seen.append(entry.happened.step)
        if looked.is_last:
            break
    assert seen == list(range(1, 11))
    assert looks == 3


def test_only_the_attempt_that_holds_the_lease_keeps_its_folder(world: World):
    world.start(run_id="running")
    work = world.claim()
    world.release(work)
    world.claim()
    world.start(run_id="cancelled")
    world.claim()
    cancel_run(world.store, "cancelled", cancelled_by="ann")
    world.start(run_id="queued")
    for path in ("running/1", "running/2", "queued/1", "unknown/1", "cancelled/1"):
        (world.runs_folder / path / "output").mkdir(parents=True)
    remove_stale_folders(world.store, world.runs_folder)
    left = {path.relative_to(world.runs_folder).as_posix() for path in world.runs_folder.glob("*/*")}
    # A cancelled attempt may still be bringing its last checkpoint home.
    assert left == {"running/2", "cancelled/1"}
    assert {path.name for path in world.runs_folder.iterdir()} == {"running", "cancelled"}


def test_there_may_be_nothing_to_clean(world: World):
    remove_stale_folders(world.store, world.runs_folder)
