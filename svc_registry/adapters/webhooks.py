"""Webhooks: what waits for them in SQL, and HTTP to them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta

import urllib3
from google.protobuf.message import Message
from sqlmodel import Session, col, delete, select

from shared.errors import UnavailableError
from shared.runtime.database import Database
from shared.runtime.envelope import Outgoing
from shared.runtime.outbox import SqlOutbox
from svc_registry.adapters.tables import DeliveryRow
from svc_registry.domain.events import RegistryEvent
from svc_registry.domain.webhooks import Delivery, place_of

TIMEOUT_S = 10.0
SUCCESS = range(200, 300)


class TellingOutbox(SqlOutbox[RegistryEvent]):
    """The `Outbox` port; what is published is also kept for each webhook, in the same transaction."""

    def __init__(
        self,
        session: Session,
        *,
        source: str,
        translate: Callable[[RegistryEvent], tuple[Message, str]],
        urls: Sequence[str],
    ) -> None:
        super().__init__(session, source=source, translate=translate)
        self._urls = urls

    def keep(self, outgoing: Outgoing) -> None:
        """Keep it for the bus and for each webhook."""
        super().keep(outgoing)
        for url in self._urls:
            self._session.add(
                DeliveryRow(
                    url=url,
                    event_id=outgoing.headers["ce-id"],
                    body=cloud_event(outgoing),
                    attempts=0,
                    due_at=datetime.now(UTC),
                )
            )


def cloud_event(outgoing: Outgoing) -> bytes:
    """The event as CloudEvents 1.0 in JSON; `subject` is where it is published on the bus."""
    headers = outgoing.headers
    envelope = {
        "specversion": headers["ce-specversion"],
        "id": headers["ce-id"],
        "type": headers["ce-type"],
        "source": headers["ce-source"],
        "subject": outgoing.subject,
        "time": headers["ce-time"],
        "datacontenttype": headers["content-type"],
        "data": json.loads(outgoing.body),
    }
    return json.dumps(envelope, ensure_ascii=False, separators=(",", ":")).encode()


class SqlDeliveries:
    """The `Deliveries` port; each call is a transaction of its own."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def claim(self, url: str, *, lease_s: float) -> Delivery | None:
        """Look before locking: mostly nothing is due."""
        due = select(DeliveryRow).where(DeliveryRow.url == url, col(DeliveryRow.due_at) <= datetime.now(UTC))
        oldest = due.order_by(col(DeliveryRow.due_at), col(DeliveryRow.id)).limit(1)
        with self._database.reading() as session:
            if session.exec(oldest).one_or_none() is None:
                return None
        with self._database.transaction() as session:
            row = session.exec(oldest.with_for_update(skip_locked=True)).one_or_none()
            return _claimed(row, lease_s) if row else None

    def postpone(self, delivery_id: int, *, delay_s: float) -> None:
        """Due later."""
        with self._database.transaction() as session:
            row = session.get(DeliveryRow, delivery_id)
            if row:
                row.due_at = datetime.now(UTC) + timedelta(seconds=delay_s)

    def remove(self, delivery_id: int) -> None:
        """Delete the row."""
        with self._database.transaction() as session:
            session.exec(delete(DeliveryRow).where(col(DeliveryRow.id) == delivery_id))


def _claimed(row: DeliveryRow, lease_s: float) -> Delivery:
    assert row.id is not None, "the row is stored"
    row.attempts += 1
    row.due_at = datetime.now(UTC) + timedelta(seconds=lease_s)
    return Delivery(id=row.id, url=row.url, event_id=row.event_id, body=row.body, attempts=row.attempts)


class HttpPoster:
    """The `Poster` port."""

    def __init__(self, *, timeout_s: float = TIMEOUT_S) -> None:
        self._timeout = urllib3.Timeout(connect=timeout_s, read=timeout_s)
        self._pool = urllib3.PoolManager(retries=False)

    def post(self, url: str, *, headers: Mapping[str, str], body: bytes) -> None:
        """Post once; what is answered is not read, and nobody is followed elsewhere."""
        try:
            answer = self._pool.request(
                "POST", url, body=body, headers=headers, timeout=self._timeout, redirect=False, preload_content=False
            )
        except urllib3.exceptions.HTTPError as error:
            raise UnavailableError(f"{place_of(url)} does not answer: {type(error).__name__}") from error
        status = answer.status
        answer.close()
        if status not in SUCCESS:
            raise UnavailableError(f"{place_of(url)} answered {status}")
