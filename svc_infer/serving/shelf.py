"""The versions in memory: each is loaded once, certified before it answers, and the least used one makes room."""

from __future__ import annotations

import atexit
import queue
import threading
import time
from collections.abc import Callable, Collection
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime

import structlog

from shared.contracts.versions import ModelVersion
from shared.contracts.work import Failure
from shared.errors import OverloadedError, RetryableError
from svc_infer.domain.models import ModelRefusedError, ModelState, ModelStatus, refusal
from svc_infer.ports import Model, ModelLoader

log = structlog.get_logger(__name__)
# A refused version is tried again: an object may have been put right. The delays grow, for it may be large.
FIRST_RETRY_S = 30.0
LONGEST_RETRY_S = 600.0
WAITING_LOADS = 4
KEPT_REFUSALS = 32
STOPPED_WITHIN_S = 10.0


@dataclass(slots=True, kw_only=True, eq=False)
class _Entry:
    version: ModelVersion
    refusals: int = 0
    future: Future[Model] = field(default_factory=Future)
    model: Model | None = None
    failure: Failure | None = None
    ready_at: datetime | None = None
    used_at: float = 0.0
    retry_at: float = 0.0

    @property
    def state(self) -> ModelState:
        if self.model is not None:
            return ModelState.READY
        return ModelState.FAILED if self.failure else ModelState.LOADING


class Shelf:
    """Loaded versions by their run, which is a version's key.

    Args:
        loader: fetches, verifies and certifies.
        capacity: versions in memory; while one is loaded there may be one more.
        clock: seconds, monotonic.
    """

    def __init__(self, loader: ModelLoader, *, capacity: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._loader = loader
        self._capacity = capacity
        self._clock = clock
        self._lock = threading.Lock()
        self._entries: dict[str, _Entry] = {}
        self._kept: Collection[str] = ()
        # Versions are loaded one at a time: two would need the memory of both, and the cores serve meanwhile.
        self._waiting: queue.Queue[_Entry | None] = queue.Queue(WAITING_LOADS)
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="model-loader", daemon=True)

    def start(self) -> None:
        """Begin to load."""
        self._thread.start()
        atexit.register(self.stop)

    def stop(self) -> None:
        """End after the load in hand."""
        atexit.unregister(self.stop)
        self._stopping = True
        with suppress(queue.Full):
            self._waiting.put_nowait(None)  # only to wake the thread: a full queue does that too
        self._thread.join(STOPPED_WITHIN_S)

    def load(self, version: ModelVersion) -> Future[Model]:
        """The version, once it is certified.

        The future raises ModelRefusedError when the version is not fit to serve, and UnavailableError when a
        dependency does not answer. It cannot be cancelled, for others may wait for it too.

        Raises:
            OverloadedError: too many versions wait to be loaded.
        """
        with self._lock:
            entry = self._entries.get(version.run_id)
            if entry is None or (entry.state is ModelState.FAILED and self._clock() >= entry.retry_at):
                entry = self._enqueue(version, refusals=entry.refusals if entry else 0)
            entry.used_at = self._clock()
            return entry.future

    def ready(self, version: ModelVersion) -> Model | None:
        """The version when it is in memory; None when it is not, or not yet."""
        with self._lock:
            entry = self._entries.get(version.run_id)
            if entry is None or entry.model is None:
                return None
            entry.used_at = self._clock()
            return entry.model

    def holds(self, version: ModelVersion) -> bool:
        """Whether the version is in memory; asking is no use of it."""
        with self._lock:
            entry = self._entries.get(version.run_id)
            return entry is not None and entry.model is not None

    def find(self, name: str, number: int) -> ModelVersion | None:
        """The version `name@number` when it is in memory."""
        with self._lock:
            for entry in self._entries.values():
                if entry.version.name == name and entry.version.version == number and entry.model:
                    return entry.version
        return None

    def versions(self) -> list[ModelVersion]:
        """Those that are in memory."""
        with self._lock:
            return [entry.version for entry in self._entries.values() if entry.model]

    def forget(self, version: ModelVersion) -> None:
        """Answer with a version no longer; requests in hand keep the model they were given."""
        with self._lock:
            entry = self._entries.get(version.run_id)
            if entry is not None and entry.model:
                del self._entries[version.run_id]

    @property
    def has_room(self) -> bool:
        """Whether one more version fits without one having to go that an alias names."""
        with self._lock:
            held = [entry for entry in self._entries.values() if entry.state is not ModelState.FAILED]
            return sum(entry.version.run_id in self._kept for entry in held) < self._capacity

    def keep(self, run_ids: Collection[str]) -> None:
        """These make room last: an alias names them."""
        self._kept = run_ids

    def statuses(self) -> list[tuple[ModelStatus, Model | None]]:
        """Every version here, by name and number."""
        with self._lock:
            entries = sorted(self._entries.values(), key=lambda entry: (entry.version.name, entry.version.version))
            return [
                (
                    ModelStatus(
                        version=entry.version, state=entry.state, failure=entry.failure, ready_at=entry.ready_at
                    ),
                    entry.model,
                )
                for entry in entries
            ]

    def _enqueue(self, version: ModelVersion, *, refusals: int) -> _Entry:
        entry = _Entry(version=version, refusals=refusals)
        entry.future.set_running_or_notify_cancel()
        try:
            self._waiting.put_nowait(entry)
        except queue.Full:
            raise OverloadedError(
                f"{WAITING_LOADS} versions wait to be loaded already, so {version} cannot: try again later"
            ) from None
        self._entries[version.run_id] = entry
        return entry

    def _run(self) -> None:
        while (entry := self._waiting.get()) and not self._stopping:
            self._load(entry)

    def _load(self, entry: _Entry) -> None:
        try:
            model = self._loader.load(entry.version)
        except RetryableError as error:
            # Not the version's fault, so nothing is held against it.
            log.warning("model not loaded", model=str(entry.version), error=str(error))
            with self._lock:
                del self._entries[entry.version.run_id]
            entry.future.set_exception(error)
        except Exception as error:  # noqa: BLE001 - whatever it is, the versions beside it go on serving
            self._refuse(entry, error)
        else:
            with self._lock:
                entry.model, entry.ready_at, entry.used_at = model, datetime.now(UTC), self._clock()
                self._make_room(entry)
            log.info("model ready", model=str(entry.version))
            entry.future.set_result(model)

    def _refuse(self, entry: _Entry, error: Exception) -> None:
        failure = refusal(error)
        unexpected = error if failure.cause == "internal_error" else None
        log.error("model refused", model=str(entry.version), reason=failure.reason, exc_info=unexpected)
        with self._lock:
            delay_s = min(LONGEST_RETRY_S, FIRST_RETRY_S * 2**entry.refusals)
            entry.failure, entry.refusals, entry.retry_at = failure, entry.refusals + 1, self._clock() + delay_s
            refused = [run_id for run_id, other in self._entries.items() if other.state is ModelState.FAILED]
            for run_id in refused[:-KEPT_REFUSALS]:
                del self._entries[run_id]
        entry.future.set_exception(ModelRefusedError(entry.version, failure))

    def _make_room(self, newest: _Entry) -> None:
        """Requests in hand keep the model they were given; what nobody holds is freed."""
        ready = [entry for entry in self._entries.values() if entry.model and entry is not newest]
        ready.sort(key=lambda entry: (entry.version.run_id in self._kept, entry.used_at))
        for entry in ready[: max(0, len(ready) + 1 - self._capacity)]:
            log.info("model unloaded", model=str(entry.version))
            del self._entries[entry.version.run_id]
