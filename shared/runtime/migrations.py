"""Bring a service's tables up to date at its start, one replica at a time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa
from alembic import command, op
from alembic.config import Config
from filelock import FileLock
from sqlalchemy import Connection, text
from sqlalchemy.exc import OperationalError

from shared.contracts.canonical import sha256_hex
from shared.errors import UnavailableError
from shared.runtime.database import Database, UtcDateTime

ENVIRONMENT = Path(__file__).parent / "alembic"
LOCK_TIMEOUT_S = 120


def migrate(database: Database, versions: Path) -> None:
    """Apply the migrations in a service's `migrations` folder; nothing happens when they stand already.

    Raises:
        UnavailableError: the database does not answer.
    """
    config = Config()
    config.set_main_option("script_location", str(ENVIRONMENT))
    config.set_main_option("version_locations", str(versions))
    config.set_main_option("path_separator", "os")
    try:
        with _one_at_a_time(database) as connection:
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
            connection.commit()
    except OperationalError as error:
        raise UnavailableError(f"The database does not answer: {error.orig}") from error


@contextmanager
def _one_at_a_time(database: Database) -> Iterator[Connection]:
    if database.is_sqlite:
        lock = FileLock(f"{database.url.removeprefix('sqlite:///')}.migrate.lock", timeout=LOCK_TIMEOUT_S)
        with lock, database.engine.connect() as connection:
            yield connection
        return
    key = int(sha256_hex(database.schema.encode())[:15], 16)
    with database.engine.connect() as connection:
        connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": key})
        try:
            connection.execute(text(f'CREATE SCHEMA IF NOT EXISTS "{database.schema}"'))
            connection.commit()
            yield connection
        finally:
            connection.rollback()
            connection.execute(text("SELECT pg_advisory_unlock(:key)"), {"key": key})


def create_outbox_table() -> None:
    """For a service's first migration: the outbox, as `shared.runtime.outbox` reads it."""
    op.create_table(
        "outbox",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("subject", sa.String, nullable=False),
        sa.Column("headers", sa.JSON, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
    )


def create_work_table() -> None:
    """For a service's first migration: recorded work, as `shared.runtime.work` reads it."""
    op.create_table(
        "work",
        sa.Column("id", sa.String, primary_key=True),
        sa.Column("request", sa.JSON, nullable=False),
        sa.Column("request_digest", sa.String, nullable=False),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("spent", sa.Integer, nullable=False),
        sa.Column("excused", sa.Integer, nullable=False),
        sa.Column("due_at", UtcDateTime, nullable=False),
        sa.Column("waiting_for", sa.String, nullable=False),
        sa.Column("waiting_since", UtcDateTime, nullable=True),
        sa.Column("result", sa.JSON, nullable=False),
        sa.Column("failure", sa.JSON, nullable=False),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("finished_at", UtcDateTime, nullable=True),
    )
    op.create_index("ix_work_state_due", "work", ["state", "due_at"])
    op.create_index("ix_work_created", "work", ["created_at"])
