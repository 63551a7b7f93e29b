"""Servers of this folder's own: a catalogue that is lost here must not be anybody else's."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.connected.registry.world import World
from tests.support.servers import running_servers


@pytest.fixture(scope="package")
def world(tmp_path_factory) -> Iterator[World]:
    root = tmp_path_factory.mktemp("registry")
    with running_servers(root / "servers") as servers:
        yield World(servers, root)
