from __future__ import annotations

import errno
import json
import os
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from shared.errors import IntegrityError, InvalidInputError, UnavailableError
from shared.modeling.tiny_qwen import train_tokenizer
from svc_train.adapters.processes import LONGEST_LINE_BYTES
from svc_train.child.events import EventStream
from svc_train.child.failures import tell
from svc_train.child.progress import ProgressReporter
from svc_train.child.result import write_result
from svc_train.domain.child import parse_result, read_report
from svc_train.domain.run import Progress as Reported
from svc_train.recipes.base import Checkpoint, Progress, TrainingResult
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


def test_rates_leave_out_what_evaluations_took(pipe: Pipe):
    with ProgressReporter(pipe.events) as report:
        report(_progress(1, elapsed_s=2.0, evaluated_s=1.0))
        report(_progress(100, elapsed_s=31.0, evaluated_s=21.0))
    first, last = pipe.received()
    assert first["tokens_per_s"] == 1000
    assert last["tokens_per_s"] == 11_000
    assert last["steps"]["tokens_per_s"] == [11_000]


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


def _no_template() -> BaseException:
    tokenizer = train_tokenizer()
    tokenizer.chat_template = None
    with pytest.raises(ValueError) as caught:
        tokenizer.apply_chat_template([{"role": "user", "content": "你好"}])
    return caught.value


def _numpy_out_of_memory() -> BaseException:
    with pytest.raises(MemoryError) as caught:
        np.empty(1 << 50)
    return caught.value


CUDA = (
    "CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has a total capacity of 79.11 GiB of which 1.94 GiB is free."
)


@pytest.mark.parametrize(
    ("error", "cause", "permanent", "smaller"),
    [
        (InvalidInputError.of("recipe", "unknown"), "invalid_input", True, False),
        (IntegrityError("torn"), "damaged_data", True, False),
        (TrainingFailedError(cause="nan_loss", reason="The loss is nan.", remedy="Lower it."), "nan_loss", True, False),
        (UnavailableError("away"), "unavailable", False, False),
        (OSError(errno.ENOSPC, "No space left on device"), "disk_full", False, False),
        (MemoryError(), "out_of_memory", False, True),
        (_out_of_memory(), "out_of_memory", False, True),
        (_numpy_out_of_memory(), "out_of_memory", False, True),
        (torch.OutOfMemoryError(CUDA), "cuda_out_of_memory", False, True),
        (RuntimeError("CUDA error: out of memory\nCUDA kernel errors might be ..."), "cuda_out_of_memory", False, True),
        (_no_template(), "no_chat_template", True, False),
        (KeyError("x"), "crashed", False, False),
    ],
)
def test_errors_have_a_cause_and_a_remedy(error: BaseException, cause: str, permanent: bool, smaller: bool):
    told = tell(error).to_event()
    assert (told["cause"], told["permanent"], told["smaller"]) == (cause, permanent, smaller)
    assert told["remedy"]
    assert told["detail"]
    assert told["errors"][0]["classes"][0] == type(error).__name__


def test_an_unexpected_error_is_named_by_its_class():
    assert tell(KeyError("x")).detail == "KeyError: 'x'"
    assert tell(InvalidInputError.of("recipe", "unknown")).detail == "recipe: unknown"


def test_an_endless_error_still_fits_into_a_line(pipe: Pipe):
    error = ValueError("x" * 10_000_000)
    for _ in range(100):
        error = _chained(error)
    pipe.events.send("failed", **tell(error).to_event())
    assert len(json.dumps(pipe.received())) < LONGEST_LINE_BYTES


def _chained(error: Exception) -> ValueError:
    outer = ValueError("压" * 100_000)
    outer.__cause__ = error
    return outer


def test_every_step_is_told_once_with_its_numbers(pipe: Pipe):
    with ProgressReporter(pipe.events, longest_pause_s=0.06) as report:
        for step in range(1, 1001):
            evaluated = {"f1": 0.5, "loss": 9.0} if step == 3 else {}
            report(_progress(step, elapsed_s=step / 100, total=1000, metrics=evaluated))
        time.sleep(0.2)
    reports = [read_report(json.dumps(event)) for event in pipe.received()]
    steps = [one for told in reports if isinstance(told, Reported) for one in told.steps]
    assert [one.step for one in steps] == list(range(1, 1001))
    assert steps[0].numbers == {"loss": 0.5, "learning_rate": 1e-3, "tokens_per_s": 100_000}
    assert steps[1].numbers["tokens_per_s"] == pytest.approx(100_000)
    # An evaluation's loss does not hide the step's own.
    assert (steps[2].numbers["loss"], steps[2].numbers["eval_loss"], steps[2].numbers["f1"]) == (0.5, 9.0, 0.5)


def test_numbers_of_a_step_that_are_none_are_left_out(pipe: Pipe):
    with ProgressReporter(pipe.events) as report:
        report(_progress(1, elapsed_s=1.0, gradient_norm=float("inf")))
        report(_progress(100, elapsed_s=2.0, gradient_norm=0.25))
    first, last = pipe.received()
    assert "gradient_norm" not in first["steps"]
    assert last["steps"]["gradient_norm"] == [0.25]


def test_a_checkpoint_and_the_end_leave_no_numbers_untold(pipe: Pipe):
    with ProgressReporter(pipe.events, shortest_pause_s=60) as report:
        for step in (1, 2, 3):
            report(_progress(step, elapsed_s=float(step)))
        report(Checkpoint(step=3))
        report(_progress(4, elapsed_s=4.0))
    told = [(event["event"], event["step"], event.get("steps", {}).get("step")) for event in pipe.received()]
    assert told == [("progress", 1, [1]), ("progress", 3, [2, 3]), ("checkpoint", 3, None), ("progress", 4, [4])]


def test_reports_with_many_steps_fit_into_the_lines_that_the_parent_reads(pipe: Pipe):
    many = {f"a_rather_long_name_of_a_metric_{number}": 1 / 3 for number in range(3)}
    with ProgressReporter(pipe.events, shortest_pause_s=60) as report:
        for step in range(1, 1000):
            report(_progress(step, elapsed_s=step / 3, total=10_000_000, gradient_norm=1 / 3))
        report(_progress(1000, elapsed_s=1000 / 3, total=10_000_000, metrics=many))
    assert max(len(json.dumps(event)) for event in pipe.received()) < LONGEST_LINE_BYTES


@pytest.mark.parametrize(("device", "devices"), [("cuda", 4), ("cpu", 1)])
def test_each_worker_counts_as_a_device_where_it_has_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, device: str, devices: int
):
    monkeypatch.setenv("WORLD_SIZE", "4")
    result = TrainingResult(metrics={}, total_steps=1, tokens=1, device=device)
    write_result(tmp_path, family="series", result=result, wall_seconds=2.0)
    assert parse_result((tmp_path / "result.json").read_bytes()).devices == devices
