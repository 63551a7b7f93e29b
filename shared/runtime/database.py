"""SQL: one engine a service, short transactions, the same code on SQLite and PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import DateTime, Dialect, Engine, TypeDecorator, create_engine, event, inspect
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DataError, DBAPIError, OperationalError
from sqlmodel import Session, SQLModel

from shared.errors import InvalidInputError, UnavailableError
from shared.runtime.settings import ServiceSettings

BUSY_TIMEOUT_MS = 30_000
# A replica that is paused in the middle of a transaction would keep its locks, and nobody could take over its work.
IDLE_TIMEOUT_MS = 10_000
# Marks a session that wrote events, in its `info`.
HAS_EVENTS = "has_events"


class UtcDateTime(TypeDecorator[datetime]):
    """Aware times in UTC on both databases; SQLite alone would give them back naive."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """Refuse naive times; store UTC."""
        assert value is None or value.tzinfo is not None, "times are timezone-aware"
        return value.astimezone(UTC) if value else None

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """Give back aware times in UTC."""
        if value is None:
            return None
        stored: datetime = value
        return stored.replace(tzinfo=UTC) if stored.tzinfo is None else stored.astimezone(UTC)


class Database:
    """The engine and its transactions.

    Args:
        url: SQLAlchemy URL of SQLite or PostgreSQL (psycopg).
        schema: on PostgreSQL, the schema the service keeps to.
    """

    def __init__(self, url: str, *, schema: str) -> None:
        self.url = url
        self.schema = schema
        self.engine = _sqlite_engine(url) if url.startswith("sqlite") else _postgres_engine(url, schema)
        self._reader = self.engine.execution_options(reads_only=True)
        self._on_events: Callable[[], object] | None = None

    @property
    def is_sqlite(self) -> bool:
        """Whether this is SQLite: one host, one writer at a time."""
        return self.engine.dialect.name == "sqlite"

    def when_events_commit(self, wake: Callable[[], object] | None) -> None:
        """Call it, from whatever thread commits, after each transaction of this process that wrote events."""
        self._on_events = wake

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """A transaction that may write: committed at the end, rolled back on an exception.

        Raises:
            InvalidInputError: a value is none that the database can hold.
            UnavailableError: the database does not answer.
        """
        with _translated(), Session(self.engine, expire_on_commit=False) as session:
            with session.begin():
                yield session
            if self._on_events and session.info.get(HAS_EVENTS):
                self._on_events()

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A transaction that only reads: it never waits for a writer.

        Raises:
            InvalidInputError: a value is none that the database can hold.
            UnavailableError: the database does not answer.
        """
        with _translated(), Session(self._reader, expire_on_commit=False) as session, session.begin():
            yield session

    def dispose(self) -> None:
        """Close every connection."""
        self.engine.dispose()


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except OperationalError as error:
        raise UnavailableError(f"The database does not answer: {error.orig}") from error
    except DataError as error:  # e.g. a NUL in text, or a number that is too large: it will never fit
        raise InvalidInputError(f"The database cannot hold a value: {error.orig}") from error
    except DBAPIError as error:
        if error.connection_invalidated:
            raise UnavailableError(f"The database connection broke: {error.orig}") from error
        raise


def database_for(settings: ServiceSettings, *, service: str) -> Database:
    """The database the settings name, or SQLite in the data folder."""
    url = settings.database_url.get_secret_value()
    if not url:
        folder = settings.data_dir.absolute()
        folder.mkdir(parents=True, exist_ok=True)
        url = f"sqlite:///{folder / service}.db"
    return Database(url, schema=service)


def _sqlite_engine(url: str) -> Engine:
    path = url.removeprefix("sqlite:///")
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(url, connect_args={"timeout": BUSY_TIMEOUT_MS / 1000, "check_same_thread": False})

    @event.listens_for(engine, "connect")
    def configure(connection: DBAPIConnection, _record: object) -> None:
        # The driver must not open transactions on its own: every one of ours says BEGIN IMMEDIATE below.
        connection.isolation_level = None
        cursor = connection.cursor()
        cursor.execute("PRAGMA journal_mode=WAL")
        cursor.execute("PRAGMA synchronous=FULL")
        cursor.execute("PRAGMA foreign_keys=ON")
        cursor.close()

    @event.listens_for(engine, "begin")
    def begin(connection: Any) -> None:
        # A deferred transaction that reads and then writes fails at once when another wrote in between.
        reads_only = connection.get_execution_options().get("reads_only")
        connection.exec_driver_sql("BEGIN" if reads_only else "BEGIN IMMEDIATE")

    return engine


def _postgres_engine(url: str, schema: str) -> Engine:
    options = f"-csearch_path={schema} -cidle_in_transaction_session_timeout={IDLE_TIMEOUT_MS}"
    return create_engine(url, pool_pre_ping=True, pool_size=8, connect_args={"options": options, "connect_timeout": 5})


def insert_or_ignore(session: Session, table: type[SQLModel], rows: Sequence[Mapping[str, Any]]) -> int:
    """Insert rows whose keys are new and skip the others; returns how many were new."""
    if not rows:
        return 0
    insert = _insert_of(session)
    # What is returned is counted, because the drivers do not agree on how many rows such a statement concerns.
    statement = insert(table).on_conflict_do_nothing().returning(*inspect(table).primary_key)
    return len(session.connection().execute(statement, list(rows)).all())


def insert_or_update(
    session: Session,
    table: type[SQLModel],
    rows: Sequence[Mapping[str, Any]],
    *,
    where: Callable[[Any], Any] | None = None,
) -> None:
    """Insert rows, which have equal columns; where a key stands already, its other columns take the new values.

    `where` is given the columns of a new row and says whether it may change the one that stands; None means it may.
    """
    if not rows:
        return
    keys = [column.name for column in inspect(table).primary_key]
    statement = _insert_of(session)(table)
    new = {name: statement.excluded[name] for name in rows[0] if name not in keys}
    allowed = where(statement.excluded) if where else None
    session.connection().execute(
        statement.on_conflict_do_update(index_elements=keys, set_=new, where=allowed), list(rows)
    )


def _insert_of(session: Session) -> Any:
    """The `insert` that knows conflicts, which is not the same on both databases."""
    return sqlite.insert if session.get_bind().dialect.name == "sqlite" else postgresql.insert
