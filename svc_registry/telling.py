"""The loop beside the service that delivers to one webhook."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from shared.errors import UnavailableError
from svc_registry.domain.webhooks import place_of
from svc_registry.ports import Deliveries, Poster
from svc_registry.use_cases.webhooks import Attempt, Fate, deliver_next

log = structlog.get_logger(__name__)
POLL_S = 1.0


def telling(deliveries: Deliveries, poster: Poster, *, url: str, secret: bytes) -> Callable[[], Awaitable[None]]:
    """Delivers what waits for a webhook until cancelled."""

    async def run() -> None:
        while True:
            try:
                attempt = await asyncio.to_thread(deliver_next, deliveries, poster, url=url, secret=secret)
            except UnavailableError as error:
                log.warning("webhook waits", error=str(error))
                attempt = None
            if attempt:
                _log(attempt)
            else:
                await asyncio.sleep(POLL_S)

    return run


def _log(attempt: Attempt) -> None:
    delivery = attempt.delivery
    about = {"event_id": delivery.event_id, "webhook": place_of(delivery.url), "attempt": delivery.attempts}
    if attempt.fate is Fate.DELIVERED:
        log.debug("webhook told", **about)
    elif attempt.fate is Fate.POSTPONED:
        log.warning("webhook not told", error=attempt.error, **about)
    else:
        log.error("webhook given up", error=attempt.error, **about)
