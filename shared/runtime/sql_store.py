"""How a service's transactions are opened, whatever they hold."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Generic, TypeVar

from sqlmodel import Session

from shared.runtime.database import Database

TransactionT = TypeVar("TransactionT")


class SqlStore(Generic[TransactionT]):
    """Opens transactions.

    Args:
        database: the service's database.
        make: what a service does in one session.
    """

    def __init__(self, database: Database, make: Callable[[Session], TransactionT]) -> None:
        self._database = database
        self._make = make

    @contextmanager
    def transaction(self) -> Iterator[TransactionT]:
        """A transaction that may write."""
        with self._database.transaction() as session:
            yield self._make(session)

    @contextmanager
    def reading(self) -> Iterator[TransactionT]:
        """A transaction that only reads."""
        with self._database.reading() as session:
            yield self._make(session)
