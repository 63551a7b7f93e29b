"""Real servers and databases for the port suites, one of each a test process."""

from __future__ import annotations

import secrets
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from shared.runtime.database import Database
from tests.support.postgres import Postgres, running_postgres
from tests.support.servers import Servers, running_servers


@pytest.fixture(scope="session")
def servers() -> Iterator[Servers]:
    """NATS and S3."""
    with tempfile.TemporaryDirectory(prefix="upwell-") as root, running_servers(Path(root)) as running:
        yield running


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A PostgreSQL server."""
    with running_postgres() as running:
        yield running


@pytest.fixture(scope="session")
def postgres_url(postgres: Postgres) -> str:
    """One database, in which each test has a schema of its own."""
    return postgres.fresh()


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """An empty database."""
    schema = f"test_{secrets.token_hex(6)}"
    url = f"sqlite:///{tmp_path}/{schema}.db" if request.param == "sqlite" else request.getfixturevalue("postgres_url")
    database = Database(url, schema=schema)
    yield database
    database.dispose()
