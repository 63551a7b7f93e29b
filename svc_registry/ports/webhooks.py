"""Who is told of changes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from svc_registry.domain.webhooks import Delivery


class Deliveries(Protocol):
    """Events that wait for webhooks. Each call is a transaction of its own."""

    def claim(self, url: str, *, lease_s: float) -> Delivery | None:
        """The oldest that is due for a webhook, with one more attempt; nobody else gets it until the lease lapses."""

    def postpone(self, delivery_id: int, *, delay_s: float) -> None:
        """Due again after a delay."""

    def remove(self, delivery_id: int) -> None:
        """It was delivered, or is given up."""


class Poster(Protocol):
    """HTTP to a webhook."""

    def post(self, url: str, *, headers: Mapping[str, str], body: bytes) -> None:
        """Post once; UnavailableError when the answer is not a 2xx, or none."""
