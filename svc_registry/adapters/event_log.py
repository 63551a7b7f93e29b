"""The `EventLog` port: facts read again from the streams, message by message, with no consumer left behind."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from nats.errors import Error as NatsError
from nats.js import JetStreamContext
from nats.js.errors import APIError, NotFoundError

from shared.errors import InvalidInputError, UnavailableError
from shared.runtime.codec import decode
from shared.runtime.settings import ServiceSettings
from svc_registry.adapters import facts
from svc_registry.domain.events import (
    AliasCleared,
    BaseRegistered,
    DatasetArchived,
    DatasetRegistered,
    GateChanged,
    HistoryImported,
    ModelArchived,
    ModelPromoted,
    ModelRegistered,
    ModelSigned,
    PromotionRefused,
)
from svc_registry.domain.records import NewModel, NewPrediction
from svc_registry.wire.reports import new_model, new_prediction
from upwell.bus import connection
from upwell.errors import BusError
from upwell.events import BY_MESSAGE
from upwell.infer.v1 import events_pb2 as infer
from upwell.registry.v1 import events_pb2 as registry
from upwell.registry.v1 import mark_events_pb2 as marks
from upwell.train.v1 import events_pb2 as train

FactT = TypeVar("FactT")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Source:
    """Where a kind of fact is told: the event's message, and how it is read (body, time of the event)."""

    message: type[Any]
    read: Callable[[Any, datetime], Any]


# One row for each kind of fact from which the catalogue is rebuilt.
SOURCES: Mapping[type[Any], Source] = {
    NewModel: Source(train.TrainCompleted, lambda body, _: new_model(body)),
    DatasetRegistered: Source(registry.DatasetRegistered, facts.dataset_registered),
    BaseRegistered: Source(registry.BaseRegistered, facts.base_registered),
    ModelRegistered: Source(registry.ModelRegistered, facts.model_registered),
    HistoryImported: Source(registry.HistoryImported, lambda body, _: facts.history_imported(body)),
    ModelPromoted: Source(registry.ModelPromoted, lambda body, _: facts.model_promoted(body)),
    PromotionRefused: Source(marks.PromotionRefused, lambda body, _: facts.promotion_refused(body)),
    AliasCleared: Source(marks.AliasCleared, lambda body, _: facts.alias_cleared(body)),
    GateChanged: Source(marks.GateChanged, lambda body, _: facts.gate_changed(body)),
    ModelArchived: Source(marks.ModelArchived, lambda body, _: facts.model_archived(body)),
    DatasetArchived: Source(marks.DatasetArchived, lambda body, _: facts.dataset_archived(body)),
    ModelSigned: Source(marks.ModelSigned, lambda body, _: facts.model_signed(body)),
    NewPrediction: Source(infer.InferCompleted, lambda body, _: new_prediction(body)),
}


class BusEventLog:
    """Facts over one connection; for programs that do nothing else meanwhile."""

    def __init__(self, js: JetStreamContext, loop: asyncio.AbstractEventLoop) -> None:
        self._js = js
        self._loop = loop

    def facts(self, kind: type[FactT], *, unread: Callable[[str], None]) -> Iterator[FactT]:
        """From the first to the last that is there; see the port."""
        event = BY_MESSAGE[SOURCES[kind].message]
        place = 1
        while True:
            try:
                message = self._loop.run_until_complete(
                    self._js.get_msg(event.stream, seq=place, subject=event.subject, next=True)
                )
            except NotFoundError:
                return
            except (NatsError, APIError, OSError, TimeoutError) as error:
                raise UnavailableError(
                    f"The stream {event.stream} cannot be read: {error or type(error).__name__}"
                ) from error
            assert message.time is not None, "the server says when it stored a message"
            assert message.seq is not None, "and where"
            headers = message.headers or {}
            try:
                fact = read_fact(
                    kind, message.data or b"", headers.get("content-type"), _told_at(headers, message.time)
                )
            except InvalidInputError as error:
                unread(f"message {message.seq} of the stream {event.stream}: {error}")
            else:
                yield fact
            place = message.seq + 1


def read_fact(kind: type[FactT], body: bytes, content_type: str | None, told_at: datetime) -> FactT:
    """The fact that a message tells; InvalidInputError when it tells none: its taker refused it too."""
    source = SOURCES[kind]
    event = BY_MESSAGE[source.message]
    try:
        fact: FactT = source.read(decode(event, body, content_type), told_at)
    except (ValueError, KeyError) as error:  # a time out of bounds, a word that this release does not know
        raise InvalidInputError(f"{event.subject}: {error}") from error
    return fact


@contextmanager
def bus_event_log(settings: ServiceSettings) -> Iterator[BusEventLog]:
    """The log of the bus in the settings; UnavailableError when it does not answer."""
    loop = asyncio.new_event_loop()
    user = settings.nats_user or None
    opening = connection(settings.nats_url, user=user, password=settings.nats_password.get_secret_value() or None)
    try:
        client = loop.run_until_complete(opening.__aenter__())
        try:
            yield BusEventLog(client.jetstream(), loop)
        finally:
            loop.run_until_complete(opening.__aexit__(None, None, None))
    except BusError as error:
        raise UnavailableError(str(error)) from error
    finally:
        loop.close()


def _told_at(headers: Mapping[str, str], stored_at: datetime) -> datetime:
    """When the event was told: its own time, else the stream's."""
    try:
        told_at = datetime.fromisoformat(headers["ce-time"])
    except (KeyError, ValueError):
        return stored_at
    return told_at if told_at.tzinfo else stored_at
