"""The use cases and everything around them, with what a test asks of it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlmodel import select

from shared.contracts.work import Work, WorkState
from shared.runtime.artifacts import Artifacts
from shared.runtime.database import Database
from shared.runtime.outbox import OutboxRow
from svc_ingest.adapters.store import SqlIngestStore
from svc_ingest.use_cases.imports import Imports
from svc_ingest.use_cases.streams import Streams
from tests.use_cases.ingest.fakes import FakeReader, FakeScratch


@dataclass
class World:
    """Everything around the use cases."""

    imports: Imports
    streams: Streams
    reader: FakeReader
    scratch: FakeScratch
    artifacts: Artifacts
    store: SqlIngestStore
    database: Database
    folder: Path

    def events(self) -> list[tuple[str, dict[str, Any]]]:
        """What waits to be published: (subject, body)."""
        with self.database.reading() as session:
            rows = session.exec(select(OutboxRow).order_by(OutboxRow.id)).all()  # type: ignore[arg-type]
            return [(row.subject, json.loads(row.body)) for row in rows]

    def job(self, job_id: str) -> Work:
        with self.store.reading() as tx:
            return tx.work.get(job_id)

    def jobs(self) -> list[Work]:
        with self.store.reading() as tx:
            return list(tx.work.list(limit=100))

    def claim(self) -> Work:
        with self.store.transaction() as tx:
            work = tx.work.claim(lease_s=60)
        assert work is not None
        assert work.state is WorkState.RUNNING
        return work
