from __future__ import annotations

import errno
import json
import os
import time
from collections.abc import Iterator

import pytest
import torch

from shared.errors import IntegrityError, InvalidInputError, UnavailableError
from svc_train.child.events import EventStream
from svc_train.child.failures import tell
from svc_train.child.progress import ProgressReporter
from svc_train.recipes.base import Progress
from svc_train.recipes.failure import TrainingFailedError


class Pipe:
    """A pipe to an EventStream, and what came out of it."""

    def __init__(self) -> None:
        self._reader, self.writer = os.pipe()
        os.set_blocking(self._reader, False)
        self.events = EventStream(self.writer)

    def received(self) -> list[dict]:
        return [json.loads(line) for line in os.read(self._reader, 1 << 20).splitlines()]

    def close(self) -> None:
        os.close(self._reader)
        os.close(self.writer)


@pytest.fixture
def pipe() -> Iterator[Pipe]:
    pipe = Pipe()
    yield pipe
    pipe.close()


def _progress(step: int, *, elapsed_s: float, total: int = 100, **fields) -> Progress:
    return Progress(
        step=step,
        total_steps=total,
        loss=0.5,
        learning_rate=1e-3,
        tokens=1000 * step,
        elapsed_s=elapsed_s,
        **fields,
    )


def test_an_event_is_one_line_of_json(pipe: Pipe):
    pipe.events.send("failed", detail="two\nlines, 压力")
    assert pipe.received() == [{"event": "failed", "detail": "two\nlines, 压力"}]


def test_numbers_that_json_does_not_know_are_the_programmers_mistake(pipe: Pipe):
    with pytest.raises(ValueError, match="JSON"):
        pipe.events.send("progress", loss=float("nan"))


def test_the_first_the_last_and_evaluating_steps_are_told_and_few_others(pipe: Pipe):
    with ProgressReporter(pipe.events) as report:
        for step in range(1, 101):
            report(_progress(step, elapsed_s=step / 100, metrics={"f1": 0.5} if step == 50 else {}))
    told = pipe.received()
    assert [event["step"] for event in told] == [1, 50, 100]
    assert [event["metrics"] for event in told] == [{}, {"f1": 0.5}, {}]


def test_rates_are_those_since_the_last_report(pipe: Pipe):
    with ProgressReporter(pipe.events) as report:
        report(_progress(1, elapsed_s=2.0))
        report(_progress(100, elapsed_s=11.0))
    first, last = pipe.received()
    assert (first["tokens_per_s"], first["eta_s"]) == (500, 198)
    assert (last["tokens_per_s"], last["eta_s"]) == (11_000, 0)


def test_a_long_step_is_filled_with_what_was_told_last(pipe: Pipe):
    with ProgressReporter(pipe.events, longest_pause_s=0.06) as report:
        report(_progress(1, elapsed_s=1.0, metrics={"f1": 0.5}))
        time.sleep(0.4)
    told = pipe.received()
    assert 3 <= len(told) <= 10
    assert {event["step"] for event in told} == {1}
    assert [event["metrics"] for event in told] == [{"f1": 0.5}] + [{}] * (len(told) - 1)


def test_nothing_is_told_before_the_first_step(pipe: Pipe):
    with ProgressReporter(pipe.events, longest_pause_s=0.06):
        time.sleep(0.2)
    pipe.events.send("completed")
    assert pipe.received() == [{"event": "completed"}]


def _allocate_too_much() -> None:
    torch.empty(1 << 60, dtype=torch.uint8)


def _out_of_memory() -> BaseException:
    with pytest.raises(RuntimeError) as caught:
        _allocate_too_much()
    return caught.value


@pytest.mark.parametrize(
    ("error", "cause", "permanent"),
    [
        (InvalidInputError.of("recipe", "unknown"), "invalid_input", True),
        (IntegrityError("torn"), "damaged_data", True),
        (TrainingFailedError(cause="nan_loss", reason="The loss is nan.", remedy="Lower it."), "nan_loss", True),
        (UnavailableError("away"), "crashed", False),
        (OSError(errno.ENOSPC, "No space left on device"), "disk_full", False),
        (MemoryError(), "out_of_memory", False),
        (_out_of_memory(), "out_of_memory", False),
        (torch.OutOfMemoryError("CUDA out of memory. Tried to allocate"), "out_of_memory", False),
        (KeyError("x"), "crashed", False),
    ],
)
def test_errors_have_a_cause_and_a_remedy(error: BaseException, cause: str, permanent: bool):
    diagnosis = diagnose(error)
    assert (diagnosis.cause, diagnosis.permanent) == (cause, permanent)
    assert diagnosis.remedy
    assert diagnosis.detail


def test_an_unexpected_error_is_named_by_its_class():
    assert diagnose(KeyError("x")).detail == "KeyError: 'x'"
    assert diagnose(InvalidInputError.of("recipe", "unknown")).detail == "recipe: unknown"
