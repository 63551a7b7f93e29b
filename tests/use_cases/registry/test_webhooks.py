"""Deliveries to webhooks, with fakes that keep what they are told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from shared.errors import UnavailableError
from svc_registry.domain.webhooks import DELAYS_S, Delivery
from svc_registry.use_cases.webhooks import Fate, deliver_next

SECRET = b"s" * 24
URL = "http://hooks/a"


@dataclass
class FakeDeliveries:
    """In memory; what is postponed is due again at once, unless it is held."""

    waiting: dict[int, Delivery] = field(default_factory=dict)
    delays: list[float] = field(default_factory=list)
    held: set[int] = field(default_factory=set)

    def add(self, count: int, url: str = URL) -> None:
        for _ in range(count):
            number = len(self.waiting) + 1
            self.waiting[number] = Delivery(id=number, url=url, event_id=f"e{number}", body=b"{}", attempts=0)

    def claim(self, url: str, *, lease_s: float) -> Delivery | None:
        found = next((each for each in self.waiting.values() if each.url == url and each.id not in self.held), None)
        if found is None:
            return None
        self.waiting[found.id] = replace(found, attempts=found.attempts + 1)
        return self.waiting[found.id]

    def postpone(self, delivery_id: int, *, delay_s: float) -> None:
        self.delays.append(delay_s)

    def remove(self, delivery_id: int) -> None:
        del self.waiting[delivery_id]


@dataclass
class FakePoster:
    """Refuses what it is told to refuse."""

    refuses: set[str] = field(default_factory=set)
    posted: list[tuple[str, Mapping[str, str]]] = field(default_factory=list)

    def post(self, url: str, *, headers: Mapping[str, str], body: bytes) -> None:
        if headers["webhook-id"] in self.refuses:
            raise UnavailableError("http://hooks answered 500")
        self.posted.append((url, headers))


def test_what_is_due_is_delivered_signed_and_forgotten() -> None:
    deliveries, poster = FakeDeliveries(), FakePoster()
    deliveries.add(2)
    attempt = deliver_next(deliveries, poster, url=URL, secret=SECRET, clock=lambda: 100.5)
    assert attempt is not None
    assert (attempt.fate, list(deliveries.waiting)) == (Fate.DELIVERED, [2])
    ((url, headers),) = poster.posted
    assert (url, headers["webhook-id"], headers["webhook-timestamp"]) == (URL, "e1", "100")
    assert deliver_next(deliveries, poster, url="http://other/", secret=SECRET) is None


def test_one_that_fails_waits_and_holds_up_no_other() -> None:
    deliveries, poster = FakeDeliveries(), FakePoster(refuses={"e1"})
    deliveries.add(2)
    first = deliver_next(deliveries, poster, url=URL, secret=SECRET)
    deliveries.held.add(1)
    second = deliver_next(deliveries, poster, url=URL, secret=SECRET)
    assert first is not None
    assert second is not None
    assert (first.fate, first.error, second.fate) == (Fate.POSTPONED, "http://hooks answered 500", Fate.DELIVERED)
    assert deliveries.delays == [5]


def test_attempts_come_to_an_end() -> None:
    deliveries, poster = FakeDeliveries(), FakePoster(refuses={"e1"})
    deliveries.add(1)
    fates = []
    while attempt := deliver_next(deliveries, poster, url=URL, secret=SECRET):
        fates.append(attempt.fate)
    assert fates == [Fate.POSTPONED] * len(DELAYS_S) + [Fate.GIVEN_UP]
    assert deliveries.delays == list(DELAYS_S)
