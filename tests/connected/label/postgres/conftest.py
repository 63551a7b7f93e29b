"""The world of the use-case tests, with a schema in a real PostgreSQL in place of SQLite."""

from __future__ import annotations

import secrets
from collections.abc import Iterator

import pytest

from shared.runtime.database import Database
from shared.runtime.migrations import migrate
from svc_label.bootstrap import MIGRATIONS
from tests.support.postgres import running_postgres
from tests.use_cases.label.world import World


@pytest.fixture(scope="package")
def url() -> Iterator[str]:
    """One database for all; a test has a schema of its own."""
    with running_postgres() as server:
        yield server.fresh()


@pytest.fixture
def world(url, tmp_path) -> Iterator[World]:
    database = Database(url, schema=f"test_{secrets.token_hex(6)}")
    migrate(database, MIGRATIONS)
    yield World(tmp_path, database)
    database.dispose()
