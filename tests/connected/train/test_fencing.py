"""A replica that is paused past its lease, and goes on when another one has done its work."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.connected.train.world import TINY, World
from tests.support.postgres import running_postgres
from tests.support.servers import Service, running_servers, wait_until
from upwell.common.v1 import common_pb2 as common

pytestmark = [pytest.mark.connected, pytest.mark.heavy, pytest.mark.timeout(400)]
SOME_SECONDS = {**TINY, "max_steps": 150, "checkpoint_steps": 10}


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """Over PostgreSQL: a process that is paused may hold a lock, which a file's database would never let go.

    On servers of its own: two registries with two databases on one bus would share out the events between them.
    """
    with running_servers(tmp_path / "servers") as servers, running_postgres() as postgres:
        world = World(servers, tmp_path / "made", UPWELL_DATABASE_URL=postgres.fresh(), UPWELL_TORCH_THREADS="1")
        yield world
        world.train.kill()
        world.registry.kill()


def processes(service: Service) -> list[psutil.Process]:
    """The service and all that it started."""
    assert service.process is not None
    process = psutil.Process(service.process.pid)
    return [process, *process.children(recursive=True)]


def pause(service: Service) -> list[psutil.Process]:
    paused = processes(service)
    for process in paused:
        process.send_signal(signal.SIGSTOP)
    return paused


def test_a_paused_replica_finds_its_run_done_and_publishes_registers_and_removes_nothing(world: World, tmp_path: Path):
    world.publish(world.request("paused", hyperparameters=SOME_SECONDS, model="paused-detector"))
    world.wait_for_progress("paused")
    wait_until(lambda: world.run("paused").checkpoint.step, 60)  # type: ignore[union-attr]
    child = world.child()
    paused = pause(world.train)
    first, world.train = world.train, world.start_replica(UPWELL_DATA_DIR=str(tmp_path / "other-machine"))
    try:
        run = world.wait_for_end("paused")
        assert run.state == common.WORK_STATE_COMPLETED, run.failure
        assert run.attempt == 2
        assert len(wait_until(lambda: world.versions_of("paused-detector"), 30)) == 1
        for process in paused:
            process.send_signal(signal.SIGCONT)
        # It learns that its lease is lost, ends its process, and goes on with other work.
        child.wait(30)
        time.sleep(2)
        assert first.process is not None
        assert first.process.poll() is None
        assert world.the_event("train.completed", "paused")["attempt"] == 2
        assert world.the_event("train.completed", "paused")["totalSteps"] == str(SOME_SECONDS["max_steps"])
        assert len(world.versions_of("paused-detector")) == 1
        assert not world.events("train.failed", "paused")
        assert list(world.objects.keys("runs/paused/")) == []
        assert [version.bundle_digest for version in world.versions_of("paused-detector")] == [run.bundle_digest]
    finally:
        world.train.kill()
        world.train = first
