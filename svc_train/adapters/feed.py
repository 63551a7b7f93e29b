"""Live progress on the bus: chatter, so it may be dropped; what counts is in the journal."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from shared.errors import InvalidInputError, UnavailableError
from shared.runtime.envelope import Outgoing, encode
from svc_train import wire
from svc_train.domain.run import RunProgress

log = structlog.get_logger(__name__)
INTERVAL_S = 0.5


class BusFeed:
    """The `ProgressFeed` port. Of what is offered faster than it may be sent, each run's newest report is sent.

    Args:
        publish: sends an event; see `Bus.publish`.
        loop: the loop `publish` belongs to; reports come from other threads.
        source: the service's name, on every event.
    """

    def __init__(
        self, publish: Callable[[Outgoing], Awaitable[None]], *, loop: asyncio.AbstractEventLoop, source: str
    ) -> None:
        self._publish = publish
        self._loop = loop
        self._source = source
        self._newest: dict[str, RunProgress] = {}
        self._sending: asyncio.Task[None] | None = None

    def publish(self, progress: RunProgress) -> None:
        """Offer a report, from any thread."""
        self._loop.call_soon_threadsafe(self._offer, progress)

    def _offer(self, progress: RunProgress) -> None:
        self._newest[progress.run_id] = progress
        if self._sending is None or self._sending.done():
            self._sending = self._loop.create_task(self._send())

    async def _send(self) -> None:
        while self._newest:
            reports, self._newest = self._newest, {}
            for report in reports.values():
                await self._send_one(report)
            await asyncio.sleep(INTERVAL_S)

    async def _send_one(self, report: RunProgress) -> None:
        key = f"{report.run_id}/{report.attempt}/{report.progress.step}"
        try:
            await self._publish(encode(wire.progress_message(report), key=key, source=self._source))
        except (UnavailableError, InvalidInputError) as error:
            log.info("progress not published", run_id=report.run_id, error=str(error))
