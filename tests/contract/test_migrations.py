"""Migrations make the tables that the code speaks of, on both databases, once, however many replicas start."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import MetaData, Table, inspect
from sqlmodel import SQLModel

from shared.runtime.database import Database
from shared.runtime.migrations import migrate
from shared.runtime.outbox import OutboxRow
from shared.runtime.work import WorkRow
from upwell.events import REGISTRY, SERVICES

pytestmark = pytest.mark.connected
PRESENT = [service for service in SERVICES if find_spec(service) and find_spec(f"{service}.migrations")]


def migrations_of(service: str) -> Path:
    folder: str = next(iter(import_module(f"{service}.migrations").__path__))
    return Path(folder)


def tables_of(service: str) -> MetaData:
    """The tables that a service's code speaks of."""
    rows: list[Any] = [OutboxRow] if service == REGISTRY else [OutboxRow, WorkRow]
    if find_spec(f"{service}.adapters.tables"):
        module = import_module(f"{service}.adapters.tables")
        found = [value for value in vars(module).values() if isinstance(value, type) and issubclass(value, SQLModel)]
        rows += [row for row in found if hasattr(row, "__table__") and row not in rows]
    metadata = MetaData()
    for row in rows:
        table: Table = row.__table__
        table.to_metadata(metadata)
    return metadata


@pytest.mark.parametrize("service", PRESENT)
def test_what_migrations_make_is_what_the_code_speaks_of(database: Database, service: str) -> None:
    migrate(database, migrations_of(service))
    metadata = tables_of(service)
    with database.engine.connect() as connection:
        made = set(inspect(connection).get_table_names())
        context = MigrationContext.configure(connection, opts={"compare_type": False})
        assert compare_metadata(context, metadata) == []
    assert made == {*metadata.tables, "alembic_version"}


@pytest.mark.parametrize("service", PRESENT)
def test_replicas_that_start_together_migrate_once(database: Database, service: str) -> None:
    together = threading.Barrier(3)

    def start(_: int) -> None:
        replica = Database(str(database.url), schema=database.schema)
        together.wait()
        migrate(replica, migrations_of(service))
        migrate(replica, migrations_of(service))
        replica.dispose()

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(start, range(3)))
    with database.engine.connect() as connection:
        assert inspect(connection).has_table("outbox")
