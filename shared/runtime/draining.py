"""Stops a pull subscriber between two messages.

FastStream's own stop drops a message that was fetched while it stopped: the message is not lost, but it comes again
only after `ack_wait`. So the fetch is parked first: the request under way ends with its message handled or with
none, and no new one is made.
"""

from __future__ import annotations

import asyncio
from typing import Any

from nats.aio.msg import Msg
from nats.js import JetStreamContext
from nats.js.errors import ServiceUnavailableError

GONE_PAUSE_S = 1.0


class ParkableFetch:
    """Stands in for `fetch` of one pull subscription."""

    def __init__(self, subscription: JetStreamContext.PullSubscription) -> None:
        self._subscription = subscription
        self._fetch = subscription.fetch
        self._parking = False
        self._parked = asyncio.Event()

    async def __call__(self, *args: Any, **kwargs: Any) -> list[Msg]:
        """Fetch, or wait for ever once parking was asked for and no message is waiting."""
        if self._parking and not self._subscription.pending_msgs:
            self._parked.set()
            await asyncio.Event().wait()
        try:
            return await self._fetch(*args, **kwargs)
        except ServiceUnavailableError:
            # The consumer was deleted, or has no leader. The answer comes at once, so asking again at once would spin
            # (2,000 times a second, measured).
            await asyncio.sleep(GONE_PAUSE_S)
            raise

    async def park(self) -> None:
        """Return when the message in hand is settled and no more will be fetched."""
        self._parking = True
        await self._parked.wait()


def make_parkable(subscriber: Any) -> ParkableFetch:
    """Put a parkable fetch into a started pull subscriber of FastStream."""
    subscription: JetStreamContext.PullSubscription = subscriber.subscription
    fetch = ParkableFetch(subscription)
    subscription.fetch = fetch  # type: ignore[method-assign]
    return fetch
