"""One world for all tests of this folder: starting it takes longer than most of them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.connected.train.world import World
from tests.support.servers import Servers


@pytest.fixture
def world(shared_world: World) -> Iterator[World]:
    yield shared_world
    shared_world.cancel_all()


@pytest.fixture(scope="package")
def shared_world(servers: Servers, tmp_path_factory) -> Iterator[World]:
    world = World(servers, tmp_path_factory.mktemp("train") / "made")
    yield world
    world.train.kill()
    world.registry.kill()
