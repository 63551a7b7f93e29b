"""The series that candidates speak of, in SQL."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from sqlmodel import Session, col, select, tuple_, update

from shared.runtime.database import insert_or_ignore
from svc_label.adapters.rows import facts_of
from svc_label.adapters.tables import SeriesRow
from svc_label.domain.datasets import SeriesFacts
from svc_label.ports import SeriesKey


class SqlSeries:
    """The `KnownSeries` port."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def remember(self, facts: SeriesFacts) -> None:
        """Record a series; see the port."""
        version = facts.version
        values = {
            "name": version.name,
            "digest": version.digest,
            "version": version.version,
            "rows": facts.rows,
            "channels": list(facts.channels),
            "time": facts.time,
        }
        if not insert_or_ignore(self._session, SeriesRow, [values]) and version.version:
            unnumbered = (
                (col(SeriesRow.name) == version.name)
                & (col(SeriesRow.digest) == version.digest)
                & (col(SeriesRow.version) == 0)
            )
            self._session.exec(update(SeriesRow).where(unnumbered).values(version=version.version))

    def find(self, keys: Collection[SeriesKey]) -> Mapping[SeriesKey, SeriesFacts]:
        """Those that are recorded; see the port."""
        query = select(SeriesRow).where(tuple_(SeriesRow.name, SeriesRow.digest).in_(list(keys)))
        return {(row.name, row.digest): facts_of(row) for row in self._session.exec(query)}
