"""What a failed attempt leaves to the one after it."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace

import pytest

from shared.contracts.work import Failure, WorkState
from shared.errors import InvalidInputError, PermanentError, RetryableError, UnavailableError
from svc_train.domain.failures import FailedAttemptError, FailedRunError
from svc_train.ports import Line
from svc_train.recipes.hyperparameters import Rule, hyperparameter
from svc_train.use_cases.limits import Limits
from svc_train.use_cases.metrics import list_metrics
from svc_train.use_cases.runs import get_run
from tests.use_cases.train.fakes import FakeRecipe
from tests.use_cases.train.world import COMPLETED, REQUEST, STEPS, World, failure_of

TOO_LARGE = json.dumps(
    {
        "event": "failed",
        "permanent": False,
        "smaller": True,
        "cause": "cuda_out_of_memory",
        "remedy": "Lower batch_size.",
        "detail": "CUDA out of memory.",
    }
)
FITTING = replace(REQUEST, hyperparameters={"batch_size": 8})


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchConfig:
    batch_size: int = hyperparameter(4, Rule(help="Micro-batch.", low=1))
    gradient_accumulation: int = hyperparameter(1, Rule(help="Micro-batches in a step.", low=1))
    seed: int = hyperparameter(0, Rule(help="Decides every random choice."))


@pytest.fixture
def batches(world: World) -> World:
    world.recipes["fake-lm"] = FakeRecipe(config_type=BatchConfig)
    return world


def attempt(world: World, *script, exit_code: int = 1) -> Exception | None:
    """Execute the next attempt; how it failed, put back as the worker puts it back."""
    world.launcher.script, world.launcher.exit_code = script, exit_code
    work = world.claim()
    try:
        world.execution()(work, world.lease)
    except RetryableError as error:
        world.release(work)
        return error
    except PermanentError as error:
        return error
    return None


def log_lines(world: World) -> list[str]:
    return [entry.happened for entry in world.journal() if isinstance(entry.happened, str)]


def test_what_does_not_fit_into_memory_is_tried_again_in_smaller_parts(batches: World):
    batches.start(FITTING)
    error = attempt(batches, "RuntimeError: CUDA out of memory", TOO_LARGE)
    assert isinstance(error, FailedAttemptError)
    changed = {"batch_size": 4, "gradient_accumulation": 2}
    assert failure_of(error).retried_with == changed
    assert failure_of(error).evidence == ("RuntimeError: CUDA out of memory",)
    assert (
        "cuda_out_of_memory: the run is tried once more with batch_size 4 and gradient_accumulation 2 "
        "in place of batch_size 8 and gradient_accumulation 1"
    ) in log_lines(batches)
    notes = get_run(batches.store, "run-1").notes
    assert notes.retried_with == changed
    assert notes.last_failure == failure_of(error)

    assert attempt(batches, *STEPS, COMPLETED, exit_code=0) is None
    assert [job["hyperparameters"]["batch_size"] for job in batches.launcher.jobs] == [8, 4]
    (completed,) = batches.events("train.completed")
    assert completed["hyperparameters"] == {"batch_size": 4, "gradient_accumulation": 2, "seed": 0}
    assert batches.work().state is WorkState.COMPLETED


def test_it_is_made_smaller_only_once(batches: World):
    batches.start(FITTING)
    attempt(batches, TOO_LARGE)
    error = attempt(batches, TOO_LARGE)
    assert isinstance(error, FailedRunError)
    assert failure_of(error).retried_with == {"batch_size": 4, "gradient_accumulation": 2}
    assert failure_of(error).remedy == "Lower batch_size."


def test_a_later_failure_of_another_kind_says_what_was_changed(batches: World):
    batches.start(FITTING)
    attempt(batches, TOO_LARGE)
    error = attempt(batches, "Segmentation fault", exit_code=-11)
    assert isinstance(error, FailedAttemptError)
    assert (failure_of(error).cause, failure_of(error).retried_with["batch_size"]) == ("crashed", 4)


@pytest.mark.parametrize("hyperparameters", [{"batch_size": 1}])
def test_a_batch_of_one_fails_with_the_remedy(batches: World, hyperparameters):
    batches.start(replace(REQUEST, hyperparameters=hyperparameters))
    error = attempt(batches, TOO_LARGE)
    assert isinstance(error, FailedRunError)
    assert failure_of(error) == Failure(
        cause="cuda_out_of_memory", reason="CUDA out of memory.", remedy="Lower batch_size.", evidence=()
    )
    assert get_run(batches.store, "run-1").notes.retried_with == {}


def test_a_recipe_without_these_hyperparameters_is_not_retried_by_itself(world: World):
    world.start()
    assert isinstance(attempt(world, TOO_LARGE), FailedRunError)


def test_every_failed_attempt_is_noted_with_its_cause(world: World):
    world.start()
    attempt(world, Line(text="killed", is_output=False), exit_code=-9)
    failure = get_run(world.store, "run-1").notes.last_failure
    assert failure is not None
    assert (failure.cause, failure.evidence) == ("killed", ("killed",))
    assert log_lines(world)[-1].startswith("attempt 1 failed: killed: The training process was killed by SIGKILL")


def test_an_object_store_that_is_away_is_noted_and_spends_nothing(world: World):
    class AwayArtifacts:
        def store(self, **arguments):
            raise UnavailableError("The object store does not answer: MaxRetryError")

    work = world.claimed()
    execution = world.execution()
    away = replace(execution, inputs=replace(execution.inputs, artifacts=AwayArtifacts()))
    with pytest.raises(UnavailableError):
        away(work, world.lease)
    failure = get_run(world.store, "run-1").notes.last_failure
    assert failure is not None
    assert failure.cause == "object_store_unavailable"
    assert "goes on by itself" in failure.remedy


def test_a_missing_base_is_noted_as_one(world: World):
    with pytest.raises(InvalidInputError):
        world.execution()(world.claimed(replace(REQUEST, base="other")), world.lease)
    failure = get_run(world.store, "run-1").notes.last_failure
    assert failure is not None
    assert failure.cause == "missing_base"


def test_an_attempt_that_was_asked_to_stop_did_not_fail(world: World):
    work = world.claimed()
    world.lease.must_stop = True
    with pytest.raises(RetryableError):
        world.execution()(work, world.lease)
    assert get_run(world.store, "run-1").notes.last_failure is None


@pytest.mark.parametrize(
    ("limits", "kind", "said"),
    [
        (Limits(stall_s=0.05), FailedAttemptError, "said nothing new for 0.05 s"),
        (Limits(run_s=0.05), FailedRunError, "may run for 0.05 s"),
    ],
)
def test_a_child_that_takes_too_long_is_ended(world: World, limits, kind, said):
    world.launcher.script = ["waiting for a lock", STEPS[0]]
    world.launcher.exit_code = None
    with pytest.raises(kind, match=said) as caught:
        world.execution(limits=limits)(world.claimed(), world.lease)
    assert world.launcher.children[0].was_stopped
    failure = failure_of(caught.value)
    assert (failure.cause, failure.evidence) == ("timeout", ("waiting for a lock",))


def test_a_report_that_repeats_itself_is_no_sign_of_life(world: World):
    world.launcher.script = [STEPS[0]] * 100_000
    with pytest.raises(FailedAttemptError, match="said nothing new"):
        world.execution(limits=Limits(stall_s=0.1))(world.claimed(), world.lease)


def progress(*steps: int, loss: float = 1.0) -> str:
    columns = {"step": list(steps), "loss": [loss] * len(steps), "f1": [None] * (len(steps) - 1) + [0.5]}
    return json.dumps({"event": "progress", "step": steps[-1], "total_steps": 9, "loss": loss, "steps": columns})


def test_the_numbers_of_every_step_are_kept_and_a_later_attempt_overwrites_them(world: World):
    world.start()
    attempt(world, progress(1, 2), progress(3, 4), exit_code=-9)
    attempt(world, progress(3, 4, 5, loss=0.25), exit_code=-9)
    page = list_metrics(world.store, "run-1", names=["loss"], from_step=0, after=None, limit=100)
    assert [(one.step, one.value, one.attempt) for one in page.metrics] == [
        (1, 1.0, 1),
        (2, 1.0, 1),
        (3, 0.25, 2),
        (4, 0.25, 2),
        (5, 0.25, 2),
    ]
    assert page.names == ["f1", "loss"]
    # The journal holds the reports themselves, a few a second.
    assert world.steps() == [2, 4, 5]
