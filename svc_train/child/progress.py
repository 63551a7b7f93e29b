"""Progress to the parent: often enough to watch, seldom enough not to flood the bus."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from types import TracebackType
from typing import Any, Self

from svc_train.child.events import Events
from svc_train.recipes.base import Checkpoint, Progress

SHORTEST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 0.9
# A report has to fit into the longest line that the parent reads.
MOST_STEPS_A_REPORT = 200


class ProgressReporter:
    """Tells the parent of steps: of how far it is now and then, and with that the numbers of every step since.

    Use as a context: a thread beats inside it while a long step says nothing.

    Args:
        events: where it is told.
        shortest_pause_s: steps are told no more often, apart from the first, the last and those that evaluate.
        longest_pause_s: the last progress is told again when a step, or an evaluation, takes longer.
    """

    def __init__(
        self,
        events: Events,
        *,
        shortest_pause_s: float = SHORTEST_PAUSE_S,
        longest_pause_s: float = LONGEST_PAUSE_S,
    ) -> None:
        self._events = events
        self._shortest_pause_s = shortest_pause_s
        self._beat_s = longest_pause_s / 3
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="progress", daemon=True)
        self._told: dict[str, Any] | None = None
        self._told_at = 0.0
        self._rate_from: Progress | None = None
        self._before: Progress | None = None
        self._steps: list[dict[str, float]] = []

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join()
        with self._lock:
            self._tell_steps()

    def __call__(self, happened: Progress | Checkpoint) -> None:
        """Tell of a checkpoint; or of a step, or keep its numbers for the next report when one was told just now."""
        if isinstance(happened, Checkpoint):
            with self._lock:
                # Whoever goes on from it makes these steps no more, and so never tells their numbers.
                self._tell_steps()
                self._events.send("checkpoint", **asdict(happened))
        else:
            self._step(happened)

    def _step(self, progress: Progress) -> None:
        due = progress.step in (1, progress.total_steps) or bool(progress.metrics)
        with self._lock:
            self._steps.append(_numbers(progress, self._before))
            self._before = progress
            full = len(self._steps) >= MOST_STEPS_A_REPORT
            if due or full or time.monotonic() - self._told_at >= self._shortest_pause_s:
                self._tell_steps()

    def _tell_steps(self) -> None:
        """Tell of the last step, with the numbers of all that were not told yet."""
        if self._before is None or not self._steps:
            return
        self._tell({**_fields(self._before, self._rate_from), "steps": _columns(self._steps)})
        self._rate_from = self._before
        self._steps.clear()

    def _tell(self, fields: Mapping[str, Any]) -> None:
        self._events.send("progress", **fields)
        self._told, self._told_at = dict(fields), time.monotonic()

    def _beat(self) -> None:
        while not self._stop.wait(self._beat_s):
            with self._lock:
                if self._told is not None and time.monotonic() - self._told_at >= 2 * self._beat_s:
                    # The numbers of steps are told once.
                    self._tell({**self._told, "metrics": {}, "steps": {}})


def _numbers(progress: Progress, before: Progress | None) -> dict[str, float]:
    """The finite numbers of one step; an evaluation that measures a loss too does not hide the step's own."""
    numbers = {"loss": progress.loss, "learning_rate": progress.learning_rate, "tokens_per_s": _rate(progress, before)}
    if progress.gradient_norm is not None:
        numbers["gradient_norm"] = progress.gradient_norm
    evaluated = {f"eval_{name}" if name in numbers else name: value for name, value in progress.metrics.items()}
    finite = {name: value for name, value in {**numbers, **evaluated}.items() if math.isfinite(value)}
    return {"step": progress.step, **finite}


def _columns(steps: Sequence[Mapping[str, float]]) -> dict[str, list[float | None]]:
    """A list for each name, None where a step has no such number: names are not repeated for each step."""
    names = dict.fromkeys(name for step in steps for name in step)
    return {name: [step.get(name) for step in steps] for name in names}


def _rate(progress: Progress, before: Progress | None) -> float:
    """Tokens a second of training since an earlier step, or since the start."""
    tokens, seconds = progress.tokens, progress.elapsed_s - progress.evaluated_s
    if before is not None:
        tokens, seconds = tokens - before.tokens, seconds - (before.elapsed_s - before.evaluated_s)
    return tokens / max(seconds, 1e-9)


def _fields(progress: Progress, before: Progress | None) -> dict[str, Any]:
    seconds_a_step = progress.elapsed_s / progress.step
    return {
        "step": progress.step,
        "total_steps": progress.total_steps,
        "loss": progress.loss,
        "learning_rate": progress.learning_rate,
        "tokens_per_s": _rate(progress, before),
        "eta_s": seconds_a_step * (progress.total_steps - progress.step),
        "metrics": dict(progress.metrics),
    }
