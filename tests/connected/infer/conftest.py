"""Servers of this folder's own: the versions that others promote would be loaded here as well."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.connected.infer.world import World
from tests.support.servers import running_servers


@pytest.fixture(scope="package")
def world(tmp_path_factory) -> Iterator[World]:
    root = tmp_path_factory.mktemp("infer")
    with running_servers(root / "servers") as servers:
        yield World(servers, root)
