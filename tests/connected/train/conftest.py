"""One world for all tests of this folder: starting it takes longer than most of them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.connected.train.world import World
from tests.support.servers import Servers


@pytest.fixture(scope="package")
def world(servers: Servers, tmp_path_factory) -> Iterator[World]:
    world = World(servers, tmp_path_factory.mktemp("train") / "made")
    yield world
    world.train.kill()
    world.registry.kill()
