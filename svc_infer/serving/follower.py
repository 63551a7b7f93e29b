"""Follows the registry: at once when an alias moves or a version is deleted, and every so often in any case."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

import structlog

from shared.contracts.fate import jittered_delay
from shared.errors import RetryableError, UnavailableError
from svc_infer.serving.names import Names

log = structlog.get_logger(__name__)
FIRST_LOOK_AGAIN_S = 1.0


class Follower:
    """Keeps names in step with the registry.

    A change on the bus says only: look now. Where an alias stands, and whether a version is left, is asked of the
    registry, so that neither the order of events nor a lost one matters, and an ephemeral consumer that the bus has
    dropped costs a delay at most.

    Args:
        names: what is kept in step.
        every_s: how long a change that was not heard may go unseen.
        on_looked: called after each look.
    """

    def __init__(self, names: Names, *, every_s: float, on_looked: Callable[[], Awaitable[None]]) -> None:
        self._names = names
        self._every_s = every_s
        self._on_looked = on_looked
        self._wake = asyncio.Event()
        self._has_looked = False

    def look_now(self) -> None:
        """Something was promoted, cleared or deleted."""
        self._wake.set()

    async def check_ready(self) -> None:
        """UnavailableError until every alias was followed once, or found to name a version that is refused."""
        if not self._has_looked:
            raise UnavailableError("the aliases of svc_registry have not been followed yet")

    async def run(self) -> None:
        """Follow until cancelled."""
        failures = 0
        while True:
            self._wake.clear()
            try:
                await asyncio.to_thread(self._names.reconcile)
                failures, wait_s = 0, self._every_s
                self._has_looked = True
            except RetryableError as error:
                # A server that has never looked serves nobody: it looks again soon.
                longest_s = self._every_s if self._has_looked else FIRST_LOOK_AGAIN_S
                wait_s = min(longest_s, jittered_delay(failures))
                failures += 1
                log.warning("aliases not followed", error=str(error), again_in_s=round(wait_s, 1))
            await self._on_looked()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), wait_s)
