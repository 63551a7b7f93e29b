"""All rows of a database, to compare two of them."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from shared.runtime.database import Database, UtcDateTime

NO_FACTS = {"alembic_version", "outbox", "webhook_deliveries"}


def tables(database: Database) -> set[str]:
    """The names of a service's tables, those of the machinery aside."""
    return set(sa.inspect(database.engine).get_table_names()) - NO_FACTS


def dump(database: Database) -> dict[str, list[dict[str, Any]]]:
    """By table, its rows in the order of their keys; JSON and times as values."""
    with database.engine.connect() as connection:
        return {name: _rows(connection, database, name) for name in sorted(tables(database))}


def _rows(connection: sa.Connection, database: Database, name: str) -> list[dict[str, Any]]:
    table = sa.Table(name, sa.MetaData(), autoload_with=connection)
    for column in table.columns:
        if isinstance(column.type, sa.DateTime):
            column.type = UtcDateTime()
    found = connection.execute(sa.select(table).order_by(*table.primary_key.columns))
    return [dict(row._mapping) for row in found]
