"""Following a run, whatever becomes of the service that tells of it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable

from upwell.client.waiting import PASSING
from upwell.common.v1 import common_pb2
from upwell.errors import SilenceError, UpwellClientError
from upwell.train.v1 import train_service_pb2

# A service that restarts needs a moment.
PATIENCE_S = 60.0
# So does a run that was just published: it has to be taken from the bus and recorded. A wrong id is never recorded.
UNKNOWN_S = 10.0
# A service that hangs, or whose machine is gone, closes no connection.
SILENCE_S = 20.0
RETRY_S = 0.5
ENDED = (common_pb2.WORK_STATE_COMPLETED, common_pb2.WORK_STATE_FAILED, common_pb2.WORK_STATE_CANCELLED)


async def follow(
    ask: Callable[[], AsyncIterator[train_service_pb2.WatchRunResponse]],
    request: train_service_pb2.WatchRunRequest,
    *,
    patience_s: float,
    when_unknown: Callable[[], None],
) -> AsyncIterator[train_service_pb2.WatchRunResponse]:
    """Ask until the run has ended, each time for what comes behind what was told.

    Args:
        ask: begins to tell what `request` asks for.
        request: names the run; its `after_sequence` moves on.
        patience_s: how long nothing may be heard.
        when_unknown: called when the service that is heard does not know the run, once for each time it waits.

    Raises:
        UpwellClientError: the service refuses, or does not know the run for that long, or for `UNKNOWN_S`.
        SilenceError: the service cannot be heard for that long.
    """
    standing, patience = None, _Patience(request.run_id, patience_s, when_unknown)
    while True:
        try:
            async for answer in ask():
                patience.renew()
                request.after_sequence = max(request.after_sequence, answer.sequence)
                if answer.WhichOneof("happened") != "run":
                    yield answer
                    continue
                # Whoever is asked again begins with where the run stands.
                if standing != (standing := _standing(answer.run)):
                    yield answer
                if answer.run.state in ENDED:
                    return
        except UpwellClientError as error:
            patience.bear(error)
        await asyncio.sleep(RETRY_S)


class _Patience:
    """How long a run may be unknown, and its service away."""

    def __init__(self, run_id: str, patience_s: float, when_unknown: Callable[[], None]) -> None:
        self._run_id = run_id
        self._patience_s = patience_s
        self._when_unknown = when_unknown
        self.renew()

    def renew(self) -> None:
        """The run was heard of."""
        self._heard = time.monotonic()
        self._unknown_since: float | None = None

    def bear(self, error: UpwellClientError) -> None:
        """Raises what does not pass, or has not passed for long."""
        if error.code not in PASSING:
            raise error
        if error.code == "NOT_FOUND":
            self._bear_unknown(error)
            return
        self._unknown_since = None
        silent_s = time.monotonic() - self._heard
        if silent_s > self._patience_s:
            raise _lost(self._run_id, error, silent_s) from error

    def _bear_unknown(self, error: UpwellClientError) -> None:
        self._heard = time.monotonic()  # of the service
        if self._unknown_since is None:
            self._unknown_since = self._heard
            self._when_unknown()
        if self._heard - self._unknown_since > min(self._patience_s, UNKNOWN_S):
            raise error


def _standing(run: train_service_pb2.Run) -> tuple[int, int, str, int]:
    return run.state, run.attempt, run.waiting_for, run.queue_position


def _lost(run_id: str, error: UpwellClientError, silent_s: float) -> SilenceError:
    return SilenceError(
        error.code,
        f"{error.message} Nothing has been heard of the run for {silent_s:.0f} s. It may go on unwatched: "
        f"`upwell runs watch {run_id}` follows it again.",
    )
