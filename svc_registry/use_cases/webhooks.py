"""What waits for a webhook is delivered, at least once, or given up after days."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from shared.errors import UnavailableError
from svc_registry.domain.webhooks import Delivery, delay_after, headers_of
from svc_registry.ports import Deliveries, Poster

# Longer than an attempt takes that times out; then another replica may try.
LEASE_S = 30.0


class Fate(StrEnum):
    """What became of an attempt."""

    DELIVERED = "delivered"
    POSTPONED = "postponed"
    GIVEN_UP = "given up"


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One attempt and how it ended; `error` is empty when it was delivered."""

    delivery: Delivery
    fate: Fate
    error: str = ""


def deliver_next(
    deliveries: Deliveries, poster: Poster, *, url: str, secret: bytes, clock: Callable[[], float] = time.time
) -> Attempt | None:
    """Make one attempt at the oldest that is due for a webhook; None when none is.

    `clock` gives seconds since 1970.
    """
    delivery = deliveries.claim(url, lease_s=LEASE_S)
    return _deliver(deliveries, poster, delivery, secret=secret, now_s=clock()) if delivery else None


def _deliver(deliveries: Deliveries, poster: Poster, delivery: Delivery, *, secret: bytes, now_s: float) -> Attempt:
    try:
        poster.post(delivery.url, headers=headers_of(delivery, secret=secret, now_s=now_s), body=delivery.body)
    except UnavailableError as error:
        delay_s = delay_after(delivery.attempts)
        if delay_s is None:
            deliveries.remove(delivery.id)
            return Attempt(delivery=delivery, fate=Fate.GIVEN_UP, error=str(error))
        deliveries.postpone(delivery.id, delay_s=delay_s)
        return Attempt(delivery=delivery, fate=Fate.POSTPONED, error=str(error))
    deliveries.remove(delivery.id)
    return Attempt(delivery=delivery, fate=Fate.DELIVERED)
