"""Attempts that fail, are stopped, or are no longer the ones to finish."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from shared.contracts.manifest import Manifest
from shared.contracts.work import WorkState
from shared.errors import IntegrityError, PermanentError, RetryableError, StateError, UnavailableError
from svc_train.adapters.store import SqlTrainTransaction
from svc_train.ports import Line
from svc_train.use_cases import execute, follow
from svc_train.use_cases.requests import cancel_run
from tests.use_cases.train.fakes import FakeLease
from tests.use_cases.train.world import COMPLETED, STEPS, World, failure_of


def said(*, permanent: bool) -> str:
    body = {"permanent": permanent, "cause": "nan_loss", "remedy": "Lower it.", "detail": "The loss is NaN."}
    return json.dumps({"event": "failed", **body})


@pytest.mark.parametrize(("permanent", "kind"), [(True, PermanentError), (False, RetryableError)])
def test_a_child_that_says_why_it_failed_is_believed(world: World, permanent, kind):
    world.launcher.script = [Line(text="Traceback", is_output=False), said(permanent=permanent)]
    world.launcher.exit_code = 1
    with pytest.raises(kind) as caught:
        world.execution()(world.claimed(), world.lease)
    failure = failure_of(caught.value)
    assert (failure.cause, failure.reason, failure.remedy) == ("nan_loss", "The loss is NaN.", "Lower it.")
    assert failure.evidence == ("Traceback",)
    assert "train.completed" not in world.subjects()


@pytest.mark.parametrize(("script", "exit_code"), [([], 0), ([COMPLETED], 1), ([], -9), ([*STEPS], -11)])
def test_a_child_that_ends_without_a_word_may_be_tried_again(world: World, script, exit_code):
    world.launcher.script = [Line(text="Segmentation fault", is_output=False), *script]
    world.launcher.exit_code = exit_code
    with pytest.raises(RetryableError, match="gave no reason") as caught:
        world.execution()(world.claimed(), world.lease)
    assert failure_of(caught.value).evidence == ("Segmentation fault",)


@pytest.mark.parametrize("missing", ["result.json", "bundle"])
def test_a_child_that_leaves_too_little_behind_is_not_believed(world: World, missing):
    world.launcher.outputs = {k: v for k, v in world.launcher.outputs.items() if not k.startswith(missing)}
    with pytest.raises(IntegrityError, match=missing):
        world.execution()(world.claimed(), world.lease)


def test_an_attempt_that_has_to_stop_ends_its_child(world: World):
    world.launcher.script = [STEPS[0], lambda: setattr(world.lease, "must_stop", True)]
    world.launcher.exit_code = None
    with pytest.raises(RetryableError, match="stopped"):
        world.execution()(world.claimed(), world.lease)
    assert world.launcher.children[0].was_stopped
    assert not world.runs_folder.exists() or list(world.runs_folder.iterdir()) == []


def test_a_cancelled_run_is_noticed_at_its_next_word(world: World):
    world.launcher.script = [lambda: cancel_run(world.store, "run-1", cancelled_by="ann"), STEPS[0]]
    world.launcher.exit_code = None
    with pytest.raises(StateError):
        world.execution()(world.claimed(), world.lease)
    assert world.launcher.children[0].was_stopped
    # The word itself is kept: the run may be resumed.
    assert world.steps() == [1]


def test_an_attempt_that_lost_its_lease_finishes_nothing(world: World):
    work = world.claimed()

    def another_takes_over() -> None:
        world.release(work)
        world.claim()

    world.launcher.script = [another_takes_over, COMPLETED]
    with pytest.raises(StateError, match="no longer holds its lease"):
        world.execution()(work, world.lease)
    assert "train.completed" not in world.subjects()
    assert world.work().state is WorkState.RUNNING


class DownArtifacts:
    """An object store that is down when the bundle comes, for some tries."""

    def __init__(self, world: World, tries: int, then: Callable[[], object] = bool) -> None:
        self._world, self.tries, self._then = world, tries, then

    def store(self, **arguments) -> Manifest:
        self.tries -= 1
        self._then()
        if self.tries >= 0:
            raise UnavailableError("The object store does not answer")
        return self._world.artifacts.store(**arguments)


class BriefLease(FakeLease):
    """Waits no longer than a test can."""

    def wait(self, seconds: float) -> bool:
        assert seconds == execute.RETRY_S
        return self.must_stop


def test_an_object_store_that_is_down_when_the_training_ends_is_waited_for(world: World):
    artifacts = DownArtifacts(world, tries=3)
    world.execution(artifacts=artifacts)(world.claimed(), BriefLease())
    assert artifacts.tries == -1
    assert world.work().state is WorkState.COMPLETED


def test_waiting_ends_when_the_attempt_has_to_stop(world: World):
    lease = BriefLease()
    artifacts = DownArtifacts(world, tries=5, then=lambda: setattr(lease, "must_stop", True))
    with pytest.raises(UnavailableError):
        world.execution(artifacts=artifacts)(world.claimed(), lease)
    assert artifacts.tries == 4


class FlickeringStore:
    """A database that does not answer while the test says so."""

    def __init__(self, world: World) -> None:
        self._world, self.is_down = world, False

    @contextmanager
    def transaction(self) -> Iterator[SqlTrainTransaction]:
        if self.is_down:
            raise UnavailableError("The database does not answer")
        with self._world.store.transaction() as tx:
            yield tx

    reading = transaction


def test_training_goes_on_while_the_database_is_down_and_nothing_said_is_lost(world: World):
    store = FlickeringStore(world)
    world.launcher.script = [
        lambda: setattr(store, "is_down", True),
        *STEPS,
        lambda: setattr(store, "is_down", False),
        COMPLETED,
    ]
    world.execution(store=store)(world.claimed(), world.lease)
    assert world.steps() == [1, 2]
    assert world.work().state is WorkState.COMPLETED


def test_a_report_that_repeats_itself_is_kept_once(world: World):
    world.launcher.script = [STEPS[0], STEPS[0], STEPS[0], STEPS[1], COMPLETED]
    world.execution()(world.claimed(), world.lease)
    assert world.steps() == [1, 2]


def test_a_chatty_child_leaves_the_end_of_its_log_and_all_its_progress(world: World, monkeypatch):
    monkeypatch.setattr(follow, "LOG_LINES_KEPT", 10)
    chatter = [Line(text=f"line {number}", is_output=False) for number in range(55)]
    world.launcher.script = [STEPS[0], *chatter, STEPS[1], COMPLETED]
    world.execution()(world.claimed(), world.lease)
    happened = [entry.happened for entry in world.journal()]
    lines = [one for one in happened if isinstance(one, str)]
    assert 10 <= len(lines) <= 20
    assert lines[-1] == "line 54"
    assert len(happened) - len(lines) == 2
