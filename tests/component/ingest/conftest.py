"""A server for each test."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio

from tests.component.ingest.running import Running, running


@pytest_asyncio.fixture
async def service(tmp_path: Path) -> AsyncIterator[Running]:
    async for served in running(tmp_path):
        yield served


@pytest_asyncio.fixture
async def small_service(tmp_path: Path) -> AsyncIterator[Running]:
    """Takes one file at a time, of 2,000 bytes at most."""
    async for served in running(tmp_path, max_uploads=1, max_upload_bytes=2000):
        yield served
