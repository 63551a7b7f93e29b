"""Following a run, whatever becomes of the service that tells of it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable

from upwell.client.waiting import PASSING
from upwell.common.v1 import common_pb2
from upwell.errors import SilenceError, UpwellClientError
from upwell.train.v1 import train_service_pb2

# What was just published has to be taken from the bus and recorded; a service that restarts needs a moment too.
PATIENCE_S = 60.0
# A service that hangs, or whose machine is gone, closes no connection.
SILENCE_S = 20.0
RETRY_S = 0.5
ENDED = (common_pb2.WORK_STATE_COMPLETED, common_pb2.WORK_STATE_FAILED, common_pb2.WORK_STATE_CANCELLED)


async def follow(
    ask: Callable[[], AsyncIterator[train_service_pb2.WatchRunResponse]],
    request: train_service_pb2.WatchRunRequest,
    *,
    patience_s: float,
) -> AsyncIterator[train_service_pb2.WatchRunResponse]:
    """Ask until the run has ended, each time for what comes behind what was told.

    Args:
        ask: begins to tell what `request` asks for.
        request: names the run; its `after_sequence` moves on.
        patience_s: how long nothing may be heard.

    Raises:
        UpwellClientError: the service refuses, or does not know the run for that long.
        SilenceError: the service cannot be heard for that long.
    """
    heard, standing = time.monotonic(), None
    while True:
        try:
            async for answer in ask():
                heard = time.monotonic()
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
            silent_s = time.monotonic() - heard
            is_over = silent_s > patience_s
            if error.code not in PASSING or (is_over and error.code == "NOT_FOUND"):
                raise
            if is_over:
                raise _lost(request.run_id, error, silent_s) from error
        await asyncio.sleep(RETRY_S)


def _standing(run: train_service_pb2.Run) -> tuple[int, int, str, int]:
    return run.state, run.attempt, run.waiting_for, run.queue_position


def _lost(run_id: str, error: UpwellClientError, silent_s: float) -> SilenceError:
    return SilenceError(
        error.code,
        f"{error.message} Nothing has been heard of the run for {silent_s:.0f} s. It may go on unwatched: "
        f"`upwell runs watch {run_id}` follows it again.",
    )
