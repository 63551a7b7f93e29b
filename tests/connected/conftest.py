"""Servers that connected tests share, one set a test process."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.servers import Servers, running_servers


@pytest.fixture(scope="session")
def servers() -> Iterator[Servers]:
    """NATS and S3, with streams and consumers declared."""
    with tempfile.TemporaryDirectory(prefix="upwell-") as root, running_servers(Path(root)) as running:
        yield running
