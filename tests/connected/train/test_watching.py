"""A client that watches a run while the service stands still or is killed."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Iterator

import psutil
import pytest

from tests.connected.train.world import ENDLESS, World
from tests.support.servers import wait_until
from upwell.client import Connection, Upwell
from upwell.errors import SilenceError

pytestmark = [pytest.mark.connected, pytest.mark.heavy, pytest.mark.timeout(400)]
# A watch that hangs is no answer either.
WITHIN_S = 60.0
LIMITS = {"silence_s": 1.0, "patience_s": 2.0}


@pytest.fixture
def service(world: World) -> Iterator[psutil.Process]:
    """svc_train's process; after the test it is there again."""
    assert world.train.process is not None
    process = psutil.Process(world.train.process.pid)
    yield process
    if world.train.process.poll() is None:
        process.resume()
    else:
        world.train.start()


@pytest.mark.parametrize(
    ("stop", "said"),
    [(signal.SIGSTOP, "has said nothing for 1 s"), (signal.SIGKILL, "does not answer. Is it running?")],
)
async def test_a_watch_ends_when_the_service_is_gone(world: World, service: psutil.Process, stop: int, said: str):
    run_id = f"watched-{stop}"
    await asyncio.to_thread(world.publish, world.request(run_id, hyperparameters=ENDLESS, model="never-made"))
    await asyncio.to_thread(wait_until, lambda: world.run(run_id), 30)
    connection = Connection(train=world.train.address, token=world.servers.client_environment["UPWELL_TOKEN"])

    async def watch_and_stop() -> None:
        async with asyncio.timeout(WITHIN_S), Upwell.connect(connection) as upwell:
            async for _ in upwell.train.watch(run_id, **LIMITS):
                service.send_signal(stop)

    with pytest.raises(SilenceError) as lost:
        await watch_and_stop()
    assert said in str(lost.value)
    assert f"`upwell runs watch {run_id}` follows it again" in str(lost.value)
