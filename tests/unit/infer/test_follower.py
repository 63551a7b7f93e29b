"""Following the aliases."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest
import pytest_asyncio

from shared.contracts.names import parse_reference
from shared.errors import UnavailableError
from svc_infer.serving.follower import Follower
from svc_infer.serving.names import Names
from svc_infer.serving.shelf import Shelf
from tests.unit.infer.fakes import FakeCatalogue, FakeLoader, version


class Running:
    """A follower at work."""

    def __init__(self, every_s: float, catalogue: FakeCatalogue) -> None:
        self.catalogue = catalogue
        self.looks = 0
        self.shelf = Shelf(FakeLoader(), capacity=4)
        self.shelf.start()
        self.names = Names(catalogue, self.shelf)
        self.follower = Follower(self.names, every_s=every_s, on_looked=self._looked)
        self.task = asyncio.create_task(self.follower.run())

    async def _looked(self) -> None:
        self.looks += 1

    def speaks(self) -> str | None:
        model = self.names.ready(parse_reference("model", "pump"))
        return str(model.version) if model else None

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(5):
            while not condition():
                await asyncio.sleep(0.01)


@pytest_asyncio.fixture
async def run() -> AsyncIterator[Callable[..., Running]]:
    running: list[Running] = []

    def start(every_s: float, catalogue: FakeCatalogue | None = None) -> Running:
        running.append(Running(every_s, catalogue or FakeCatalogue()))
        return running[-1]

    yield start
    for one in running:
        one.task.cancel()
        one.shelf.stop()


async def test_it_looks_at_start_and_is_ready_then(run):
    catalogue = FakeCatalogue()
    catalogue.promote(version(1))
    running = run(every_s=60, catalogue=catalogue)
    with pytest.raises(UnavailableError):
        await running.follower.check_ready()
    await running.until(lambda: running.looks == 1)
    await running.follower.check_ready()
    assert running.speaks() == "pump@1"


async def test_a_promotion_is_followed_at_once(run):
    running = run(every_s=60)
    await running.until(lambda: running.looks == 1)
    running.catalogue.promote(version(2))
    running.follower.look_now()
    await running.until(lambda: running.speaks() == "pump@2")


async def test_a_promotion_that_was_not_heard_is_followed_later(run):
    running = run(every_s=0.05)
    await running.until(lambda: running.looks == 1)
    running.catalogue.promote(version(2))
    await running.until(lambda: running.speaks() == "pump@2")


async def test_a_registry_that_is_down_is_asked_again_soon(run):
    catalogue = FakeCatalogue()
    catalogue.is_down = True
    catalogue.promote(version(1))
    running = run(every_s=60, catalogue=catalogue)
    await running.until(lambda: running.looks >= 2)
    with pytest.raises(UnavailableError):
        await running.follower.check_ready()
    catalogue.is_down = False
    await running.until(lambda: running.speaks() == "pump@1")
    await running.follower.check_ready()
