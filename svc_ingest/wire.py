"""Between the service's values and protobuf."""

from __future__ import annotations

from typing import Any

from google.protobuf.message import Message

from shared.contracts.chat import Turn
from shared.contracts.kinds import Kind
from shared.contracts.work import Work
from shared.runtime.convert import STATES, doubles, failure_message, parameter_messages, timestamp
from svc_ingest.domain.chats import ChatPreview
from svc_ingest.domain.events import DatasetProduced, IngestEvent, IngestFailed
from svc_ingest.domain.jobs import Produced, Request, job_from_json
from svc_ingest.domain.tables import TablePreview
from svc_ingest.sources.base import DatasetSource, Source, summary_of
from svc_ingest.sources.preview import Preview
from upwell.common.v1 import common_pb2 as common
from upwell.ingest.v1 import chat_pb2, table_pb2
from upwell.ingest.v1 import events_pb2 as events
from upwell.ingest.v1 import ingest_service_pb2 as pb
from upwell.registry.v1 import events_pb2 as registry

PRODUCER = "svc_ingest"
SHOWN_CHARACTERS = 1000


def to_message(event: IngestEvent) -> tuple[Message, str]:
    """An event and its natural key."""
    match event:
        case DatasetProduced():
            message = registry.DatasetProduced(
                name=event.name,
                kind=event.kind,
                manifest_digest=event.digest,
                producer=f"{PRODUCER}/{event.job_id}",
            )
            return message, f"{event.name}/{event.digest}"
        case IngestFailed():
            failure = failure_message(event.failure)
            return events.IngestFailed(job_id=event.job_id, name=event.name, failure=failure), event.job_id


def import_request(message: events.IngestRequested) -> Request:
    """What a request for an import asks for."""
    return Request(
        name=message.name,
        source=message.source,
        path=message.path,
        options=_options(message.options),
        parameters=doubles(message.parameters),
    )


def stream_request(header: pb.IngestHeader) -> Request:
    """What the header of a stream asks for."""
    return Request(
        name=header.name,
        source=header.source,
        path=header.file_name,
        options=_options(header.options),
        parameters=doubles(header.parameters),
    )


def _options(message: events.ReadOptions) -> dict[str, Any]:
    """The contract's fields are the names that `read_options` takes."""
    plain = {field.name: getattr(message, field.name) for field in message.DESCRIPTOR.fields}
    return {**plain, "channels": list(message.channels)}


def produced_message(job_id: str, produced: Produced) -> pb.IngestResponse:
    """What a streamed file became."""
    return pb.IngestResponse(
        dataset=common.DatasetRef(name=produced.name, manifest_digest=produced.digest),
        rows=produced.rows,
        channels=produced.channels,
        job_id=job_id,
    )


def source_message(source: Source) -> pb.Source:
    """A source with what it takes and what it makes."""
    message = pb.Source(name=source.name, summary=summary_of(source), endings=source.suffixes, makes=Kind.SERIES)
    if isinstance(source, DatasetSource):
        message.makes = source.kind
        message.parameters.extend(parameter_messages(source.parameters))
    return message


def job_message(work: Work) -> pb.IngestJob:
    """A job for the caller."""
    job = job_from_json(work.request)
    result = work.result
    return pb.IngestJob(
        job_id=work.id,
        name=job.name,
        origin=job.place,
        state=STATES[work.state],
        attempt=work.attempt,
        dataset=common.DatasetRef(name=result["name"], manifest_digest=result["digest"]) if result else None,
        failure=failure_message(work.failure),
        created_at=timestamp(work.created_at),
    )


def preview_message(preview: Preview) -> pb.PreviewResponse:
    """Buckets for the caller."""
    return pb.PreviewResponse(
        channels=[
            pb.ChannelPreview(
                channel=name,
                buckets=[
                    pb.Bucket(
                        start_row=bucket.start_row,
                        start_time=bucket.start_time,
                        min=bucket.min,
                        max=bucket.max,
                        count=bucket.count,
                    )
                    for bucket in buckets
                ],
            )
            for name, buckets in preview.channels.items()
        ],
        rows=preview.rows,
        time=preview.time,
    )


def conversations_message(preview: ChatPreview) -> chat_pb2.PreviewConversationsResponse:
    """Conversations for the caller."""
    return chat_pb2.PreviewConversationsResponse(
        conversations=[
            chat_pb2.Conversation(id=one.id, turns=[_turn_message(turn) for turn in one.turns])
            for one in preview.conversations
        ],
        rows=preview.rows,
    )


def rows_message(preview: TablePreview) -> table_pb2.PreviewRowsResponse:
    """Rows for the caller."""
    return table_pb2.PreviewRowsResponse(
        columns=preview.cells.columns,
        shown=[table_pb2.TableRow(cells=row) for row in preview.cells.rows],
        rows=preview.rows,
    )


def _turn_message(turn: Turn) -> chat_pb2.ChatTurn:
    return chat_pb2.ChatTurn(
        speaker=turn.speaker,
        text=turn.text[:SHOWN_CHARACTERS],
        omitted_characters=max(0, len(turn.text) - SHOWN_CHARACTERS),
    )
