"""The one subject table: message type, subject, stream, owner; and who takes which subject."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from google.protobuf.message import Message

from upwell.infer.v1 import events_pb2 as infer
from upwell.ingest.v1 import events_pb2 as ingest
from upwell.label.v1 import events_pb2 as label
from upwell.registry.v1 import events_pb2 as registry
from upwell.registry.v1 import mark_events_pb2 as marks
from upwell.train.v1 import events_pb2 as train

INGEST, LABEL, TRAIN, INFER, REGISTRY = SERVICES = (
    "svc_ingest",
    "svc_label",
    "svc_train",
    "svc_infer",
    "svc_registry",
)
DEAD_STREAM = "DEAD"
DEAD_PREFIX = "dead."
EXCUSED_BUCKET = "excused"
# Larger publishes fail at the publisher, which names the limit: big things travel by reference.
MAX_MESSAGE_BYTES = 256 * 1024
# The headers take their share of a message.
MAX_BODY_BYTES = MAX_MESSAGE_BYTES - 4096
# A delivery that is silent for so long is made again; handlers beat well within it.
ACK_WAIT = timedelta(seconds=30)


class DeadHeader(StrEnum):
    """What a dead letter carries beside the headers of the message that was given up."""

    REASON = "upwell-reason"
    SUBJECT = "upwell-subject"
    STREAM = "upwell-stream"
    SEQUENCE = "upwell-sequence"
    CONSUMER = "upwell-consumer"
    TRUNCATED = "upwell-truncated"


@dataclass(frozen=True, slots=True)
class Event:
    """A row of the table.

    Attributes:
        message: the protobuf message that is the event's body.
        subject: where it is published.
        stream: the JetStream stream that keeps it.
        owner: the service that declares the stream.
        publishers: the services that may publish it; empty means users do.
        takers: the services that share a durable consumer of it among their replicas.
        broadcast: services every replica of which reads it.
    """

    message: type[Message]
    subject: str
    stream: str
    owner: str
    publishers: tuple[str, ...] = ()
    takers: tuple[str, ...] = ()
    broadcast: tuple[str, ...] = ()

    @property
    def is_request(self) -> bool:
        """Requests come from users and are parsed strictly; facts come from services and are parsed leniently."""
        return self.subject.endswith(".requested")


EVENTS = (
    Event(ingest.IngestRequested, "ingest.requested", "INGEST", INGEST, takers=(INGEST,)),
    Event(ingest.IngestFailed, "ingest.failed", "INGEST", INGEST, publishers=(INGEST,)),
    Event(label.LabelRequested, "label.requested", "LABEL", LABEL, takers=(LABEL,)),
    Event(label.LabelCompleted, "label.completed", "LABEL", LABEL, publishers=(LABEL,)),
    Event(label.LabelFailed, "label.failed", "LABEL", LABEL, publishers=(LABEL,)),
    Event(label.ReviewDecided, "review.decided", "LABEL", LABEL, publishers=(LABEL,)),
    Event(train.TrainRequested, "train.requested", "TRAIN", TRAIN, takers=(TRAIN,)),
    Event(train.TrainStarted, "train.started", "TRAIN", TRAIN, publishers=(TRAIN,)),
    Event(train.TrainProgress, "train.progress", "TRAIN_PROGRESS", TRAIN, publishers=(TRAIN,)),
    Event(train.TrainCompleted, "train.completed", "TRAIN", TRAIN, publishers=(TRAIN,), takers=(REGISTRY,)),
    Event(train.TrainFailed, "train.failed", "TRAIN", TRAIN, publishers=(TRAIN,)),
    Event(train.TrainCancelled, "train.cancelled", "TRAIN", TRAIN, publishers=(TRAIN,)),
    Event(infer.InferRequested, "infer.requested", "INFER", INFER, takers=(INFER,)),
    Event(infer.InferCompleted, "infer.completed", "INFER", INFER, publishers=(INFER,), takers=(LABEL, REGISTRY)),
    Event(infer.InferFailed, "infer.failed", "INFER", INFER, publishers=(INFER,)),
    Event(
        registry.DatasetProduced,
        "dataset.produced",
        "CATALOGUE",
        REGISTRY,
        publishers=(INGEST, LABEL),
        takers=(REGISTRY,),
    ),
    Event(registry.BaseProduced, "base.produced", "CATALOGUE", REGISTRY, publishers=(TRAIN,), takers=(REGISTRY,)),
    Event(registry.DatasetRegistered, "dataset.registered", "CATALOGUE", REGISTRY, publishers=(REGISTRY,)),
    Event(registry.BaseRegistered, "base.registered", "CATALOGUE", REGISTRY, publishers=(REGISTRY,)),
    Event(registry.ModelRegistered, "model.registered", "CATALOGUE", REGISTRY, publishers=(REGISTRY,)),
    Event(registry.DatasetRejected, "dataset.rejected", "CATALOGUE", REGISTRY, publishers=(REGISTRY,)),
    Event(registry.ModelRejected, "model.rejected", "CATALOGUE", REGISTRY, publishers=(REGISTRY,)),
    Event(
        registry.ModelPromoted,
        "model.promoted",
        "CATALOGUE",
        REGISTRY,
        publishers=(REGISTRY,),
        broadcast=(INFER,),
    ),
    Event(registry.HistoryImported, "history.imported", "CATALOGUE", REGISTRY, publishers=(REGISTRY,)),
    Event(marks.PromotionRefused, "promotion.refused", "CATALOGUE", REGISTRY, publishers=(REGISTRY,)),
    Event(marks.AliasCleared, "alias.cleared", "CATALOGUE", REGISTRY, publishers=(REGISTRY,), broadcast=(INFER,)),
    Event(marks.GateChanged, "gate.changed", "CATALOGUE", REGISTRY, publishers=(REGISTRY,)),
    Event(marks.ModelArchived, "model.archived", "CATALOGUE", REGISTRY, publishers=(REGISTRY,), broadcast=(INFER,)),
    Event(marks.DatasetArchived, "dataset.archived", "CATALOGUE", REGISTRY, publishers=(REGISTRY,)),
    Event(marks.ModelSigned, "model.signed", "CATALOGUE", REGISTRY, publishers=(REGISTRY,)),
)
BY_SUBJECT: Mapping[str, Event] = {event.subject: event for event in EVENTS}
BY_MESSAGE: Mapping[type[Message], Event] = {event.message: event for event in EVENTS}
STREAMS: Mapping[str, tuple[str, ...]] = {
    stream: tuple(event.subject for event in EVENTS if event.stream == stream)
    for stream in dict.fromkeys(event.stream for event in EVENTS)
}
# Streams that a service may also read from their beginning: the registry is rebuilt from them.
REPLAYED: Mapping[str, tuple[str, ...]] = {REGISTRY: ("CATALOGUE", "TRAIN", "INFER")}
# Facts are the record from which the registry can be rebuilt, so they have no age limit; progress is chatter.
MAX_AGE: Mapping[str, timedelta] = {"TRAIN_PROGRESS": timedelta(days=7), DEAD_STREAM: timedelta(days=90)}


def durable_name(service: str, subject: str) -> str:
    """The durable consumer that a service's replicas share on a subject."""
    return f"{service}-{subject.replace('.', '-')}"
