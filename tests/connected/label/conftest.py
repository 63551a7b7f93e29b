"""One world for all tests of this folder: starting it takes longer than most of them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.connected.label.world import World
from tests.support.servers import Servers


@pytest.fixture(scope="package")
def world(servers: Servers, tmp_path_factory) -> Iterator[World]:
    world = World(servers, tmp_path_factory.mktemp("label"))
    yield world
    world.label.kill()
    world.registry.kill()
