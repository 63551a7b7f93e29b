"""The queue in front of the model thread: it takes whatever waits, runs it as one batch, and answers.

No timer holds a lone request back. While a batch runs, the next one gathers by itself, so batches grow with the load.
Requests for different models take turns, and so do calls and the chunks of jobs.
"""

from __future__ import annotations

import atexit
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field

from shared.errors import OverloadedError, UnavailableError
from svc_infer.domain.series import Answer, Series
from svc_infer.ports import Model, SeriesModel

STOPPED_WITHIN_S = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one batch may hold, and what may wait.

    Args:
        batch_series: series in a batch; a larger request runs alone.
        batch_values: values in a batch; a larger request runs alone.
        queue_requests: requests that may wait.
        queue_values: values that may wait, which bounds the memory they take.
    """

    batch_series: int = 32
    batch_values: int = 262_144
    queue_requests: int = 256
    queue_values: int = 8_388_608


@dataclass(slots=True, kw_only=True, eq=False)
class _Request:
    model: SeriesModel
    series: Sequence[Series]
    values: int
    deadline: float | None
    future: Future[list[Answer]] = field(default_factory=Future)


# Requests of one lane may share a batch.
_Lane = tuple[SeriesModel, bool]


class Batcher:
    """One model thread and what waits for it.

    Args:
        limits: see `Limits`.
        clock: seconds, monotonic; deadlines are in its terms.
    """

    def __init__(self, limits: Limits, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._limits = limits
        self._clock = clock
        self._changed = threading.Condition()
        self._lanes: OrderedDict[_Lane, deque[_Request]] = OrderedDict()
        self._requests = 0
        self._values = 0
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="model", daemon=True)

    def start(self) -> None:
        """Begin to answer."""
        self._thread.start()
        # The interpreter must not be torn down under a batch that still computes.
        atexit.register(self.stop)

    def stop(self) -> None:
        """End after the batch in hand; what waits is cancelled."""
        atexit.unregister(self.stop)
        with self._changed:
            self._stopping = True
            waiting = [request for lane in self._lanes.values() for request in lane]
            self._lanes.clear()
            self._changed.notify()
        for request in waiting:
            request.future.cancel()
        self._thread.join(STOPPED_WITHIN_S)

    def submit(
        self, model: SeriesModel, series: Sequence[Series], *, deadline: float | None = None, of_job: bool = False
    ) -> Future[list[Answer]]:
        """Put a request in line.

        A request whose future is cancelled, or whose deadline has passed, is dropped before the model sees it; in the
        second case the future raises TimeoutError.

        Args:
            model: whom to ask; the request keeps it alive.
            series: what to ask.
            deadline: when nobody waits any more.
            of_job: chunks of jobs wait in a lane of their own, at most one a job, and are never turned away.

        Raises:
            OverloadedError: the queue is full.
            UnavailableError: the batcher was stopped.
        """
        values = sum(one.values.size for one in series)
        request = _Request(model=model, series=series, values=values, deadline=deadline)
        with self._changed:
            if self._stopping:
                raise UnavailableError("The server is stopping")
            if not of_job:
                self._check_room(request.values)
            self._lanes.setdefault((model, of_job), deque()).append(request)
            self._requests += 1
            self._values += request.values
            self._changed.notify()
        return request.future

    def waiting(self, model: Model) -> int:
        """Requests that wait in front of a model."""
        with self._changed:
            return sum(len(lane) for (asked, _), lane in self._lanes.items() if asked is model)

    def _check_room(self, values: int) -> None:
        limits = self._limits
        # A queue that is empty takes any request that a message can hold.
        if self._requests >= limits.queue_requests or (self._requests and self._values + values > limits.queue_values):
            raise OverloadedError(
                f"{self._requests} requests with {self._values} values wait for the model already, and at most "
                f"{limits.queue_requests} with {limits.queue_values} may: try again later, or at another replica"
            )

    def _run(self) -> None:
        while batch := self._next():
            _answer(batch)

    def _next(self) -> list[_Request]:
        with self._changed:
            while not self._stopping:
                if self._lanes:
                    if batch := self._take():
                        return batch
                else:
                    self._changed.wait()
        return []

    def _take(self) -> list[_Request]:
        """What fits of the lane whose turn it is; nothing when nobody in it waits any more."""
        key, lane = next(iter(self._lanes.items()))
        taken: list[_Request] = []
        series = values = 0
        while lane:
            request = lane[0]
            series_then, values_then = series + len(request.series), values + request.values
            if taken and (series_then > self._limits.batch_series or values_then > self._limits.batch_values):
                break
            lane.popleft()
            self._requests -= 1
            self._values -= request.values
            if self._is_wanted(request):
                taken.append(request)
                series, values = series_then, values_then
        if lane:
            self._lanes.move_to_end(key)
        else:
            del self._lanes[key]
        return taken

    def _is_wanted(self, request: _Request) -> bool:
        if not request.future.set_running_or_notify_cancel():
            return False
        if request.deadline is not None and self._clock() >= request.deadline:
            request.future.set_exception(TimeoutError("The deadline passed while the request waited for the model"))
            return False
        return True


def _answer(batch: Sequence[_Request]) -> None:
    """Answer requests for one model together; where that fails, one by one, so that only the culprit fails."""
    try:
        answers = iter(batch[0].model.predict([series for request in batch for series in request.series]))
    except Exception as error:  # noqa: BLE001 - whoever asked is told
        if len(batch) == 1:
            batch[0].future.set_exception(error)
            return
        for request in batch:
            _answer([request])
        return
    for request in batch:
        request.future.set_result([next(answers) for _ in request.series])
