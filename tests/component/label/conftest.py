"""A server a test."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.component.label.serving import Served, serving
from tests.use_cases.label.world import fresh_world, make_tables


@pytest.fixture(scope="session")
def tables(tmp_path_factory) -> Path:
    return make_tables(tmp_path_factory.mktemp("tables") / "svc_label.db")


@pytest_asyncio.fixture
async def served(tables, tmp_path) -> AsyncIterator[Served]:
    with fresh_world(tables, tmp_path) as world:
        async with serving(world) as running:
            yield running
