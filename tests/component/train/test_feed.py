"""Live progress: seldom enough, never blocking, and never without the last report."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field

from shared.errors import UnavailableError
from shared.runtime.envelope import Outgoing
from svc_train.adapters.feed import BusFeed
from svc_train.domain.run import Progress, RunProgress


def report(step: int, run_id: str = "run-1") -> RunProgress:
    return RunProgress(run_id=run_id, attempt=1, progress=Progress(step=step, total_steps=100, loss=1.0, eta_s=1.5))


@dataclass
class FakeBus:
    """Keeps what is published, unless it is down."""

    published: list[dict[str, object]] = field(default_factory=list)
    is_down: bool = False

    async def publish(self, outgoing: Outgoing) -> None:
        if self.is_down:
            raise UnavailableError("The bus does not answer")
        self.published.append(json.loads(outgoing.body))

    def steps(self, run_id: str = "run-1") -> list[object]:
        return [body["step"] for body in self.published if body["runId"] == run_id]


async def test_of_many_reports_the_first_and_the_last_are_sent():
    bus = FakeBus()
    feed = BusFeed(bus.publish, loop=asyncio.get_running_loop(), source="svc_train")

    def report_quickly() -> None:
        for step in range(1, 101):
            feed.publish(report(step))

    await asyncio.to_thread(report_quickly)
    await asyncio.sleep(0.8)
    assert bus.steps()[-1] == "100"
    assert len(bus.steps()) <= 3
    assert bus.published[-1]["eta"] == "1.500s"


async def test_runs_do_not_displace_each_other():
    bus = FakeBus()
    feed = BusFeed(bus.publish, loop=asyncio.get_running_loop(), source="svc_train")
    for run_id in ("run-1", "run-2"):
        feed.publish(report(1, run_id))
    await asyncio.sleep(0.1)
    assert bus.steps("run-1") == bus.steps("run-2") == ["1"]


async def test_a_bus_that_is_down_costs_reports_and_nothing_else():
    bus = FakeBus(is_down=True)
    feed = BusFeed(bus.publish, loop=asyncio.get_running_loop(), source="svc_train")
    feed.publish(report(1))
    await asyncio.sleep(0.1)
    bus.is_down = False
    feed.publish(report(2))
    await asyncio.sleep(0.8)
    assert bus.steps() == ["2"]
