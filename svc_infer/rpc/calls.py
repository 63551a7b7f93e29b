"""What all calls to models share: finding the model, and how long a call may take."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, NoReturn, TypeVar

import grpc

from shared.contracts.names import parse_reference
from svc_infer.domain.callers import Caller
from svc_infer.ports import Model
from svc_infer.serving.batcher import Batcher
from svc_infer.serving.lines import Lines
from svc_infer.serving.names import Names
from svc_infer.serving.shelf import Shelf

ResultT = TypeVar("ResultT")
LOOKUPS = 4
# As gRPC itself says it, on whichever side the caller's deadline is noticed first.
DEADLINE_EXCEEDED = "Deadline Exceeded"
OVER_THE_LIMIT = (
    "The model had not answered after {seconds:g} s, the longest that this server allows: ask for less, or have "
    "UPWELL_PREDICT_SECONDS of svc_infer raised"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Serving:
    """What answers.

    Args:
        names, shelf: find models.
        batcher, lines: ask them.
        longest_s: how long a call may take that brings no deadline, or a later one.
    """

    names: Names
    shelf: Shelf
    batcher: Batcher
    lines: Lines
    longest_s: float


class Calls:
    """The ground that the calls to models stand on."""

    def __init__(self, serving: Serving) -> None:
        self._serving = serving
        # A registry that answers slowly holds up those who ask for what is not known here, and nobody else.
        self._lookups = ThreadPoolExecutor(LOOKUPS, thread_name_prefix="registry-lookup")

    async def _model(self, name: str) -> Model:
        reference = parse_reference("model", name)
        ready = self._serving.names.ready(reference)
        if ready is not None:
            return ready
        loop = asyncio.get_running_loop()
        version = await loop.run_in_executor(self._lookups, self._serving.names.resolve, reference)
        return await asyncio.wrap_future(self._serving.shelf.load(version))

    async def _answer(self, model: Model, question: Callable[[], ResultT], caller: Caller) -> ResultT:
        return await asyncio.wrap_future(self._serving.lines.ask(model, question, caller))

    @asynccontextmanager
    async def _caller(self, context: Any) -> AsyncIterator[Caller]:
        """Whoever waits, within the deadline; the call is cut off when it passes."""
        caller = Caller(deadline=self._deadline(context))
        try:
            async with asyncio.timeout_at(caller.deadline):
                yield caller
        except TimeoutError:
            await self._too_late(context)
        finally:
            caller.leave()

    def _deadline(self, context: Any) -> float:
        remaining, longest_s = context.time_remaining(), self._serving.longest_s
        return time.monotonic() + min(longest_s, longest_s if remaining is None else remaining)

    async def _too_late(self, context: Any) -> NoReturn:
        """End the call because the caller's deadline has passed, or this server's own limit."""
        remaining = context.time_remaining()
        is_callers_own = remaining is not None and remaining <= 0
        reason = DEADLINE_EXCEEDED if is_callers_own else OVER_THE_LIMIT.format(seconds=self._serving.longest_s)
        await context.abort(grpc.StatusCode.DEADLINE_EXCEEDED, reason)
        raise AssertionError("abort raises")
