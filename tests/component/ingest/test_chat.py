"""A file of conversations over gRPC: in, and looked at."""

from __future__ import annotations

import json
from typing import Any

import grpc
import pytest

from tests.component.ingest.running import CSV, Running, header, token, violations
from upwell.ingest.v1 import chat_pb2
from upwell.ingest.v1 import ingest_service_pb2 as pb

LONG = "长" * 1200


def sharegpt(count: int) -> bytes:
    rows = [
        {"id": f"q{n}", "conversations": [{"from": "human", "value": f"{n}?"}, {"from": "gpt", "value": LONG}]}
        for n in range(count)
    ]
    return json.dumps(rows, ensure_ascii=False).encode()


async def made_of(service: Running, data: bytes) -> pb.IngestResponse:
    parts = [header(name="questions", source="", file_name="q.json"), pb.IngestRequest(chunk=data)]
    return await service.stub.Ingest(iter(parts), metadata=token("reviewer"))


async def preview(service: Running, digest: str, **asked: Any) -> chat_pb2.PreviewConversationsResponse:
    request = chat_pb2.PreviewConversationsRequest(manifest_digest=digest, **asked)
    return await service.stub.PreviewConversations(request, metadata=token("viewer"))


async def test_conversations_become_a_dataset_of_their_kind(service: Running) -> None:
    answer = await made_of(service, sharegpt(7))
    assert (answer.rows, list(answer.channels)) == (7, [])
    manifest = service.artifacts.manifest(answer.dataset.manifest_digest)
    assert (manifest.kind, [entry.path for entry in manifest.files]) == ("chat/v1", ["chat.jsonl"])
    assert manifest.meta["turns"] == 14
    ((_, body),) = service.events()
    assert (body["kind"], body["name"]) == ("chat/v1", "questions")
    assert service.left_over() == []


async def test_a_preview_shows_conversations_and_shortens_long_turns(service: Running) -> None:
    digest = (await made_of(service, sharegpt(7))).dataset.manifest_digest
    first = await preview(service, digest)
    assert ([one.id for one in first.conversations], first.rows) == (["q0", "q1", "q2", "q3", "q4"], 7)
    turn = first.conversations[0].turns[1]
    assert (turn.speaker, turn.text, turn.omitted_characters) == ("gpt", LONG[:1000], 200)
    rest = await preview(service, digest, start_row=6, count=100)
    assert [one.id for one in rest.conversations] == ["q6"]


async def test_what_cannot_be_shown_is_refused(service: Running) -> None:
    chat = (await made_of(service, sharegpt(2))).dataset.manifest_digest
    series = (await service.ingest(CSV)).dataset.manifest_digest
    for digest, asked, field in (
        (chat, {"start_row": 2}, "start_row"),
        (chat, {"count": 101}, "count"),
        (series, {}, "manifest_digest"),
    ):
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await preview(service, digest, **asked)
        assert list(violations(caught.value)) == [field]


async def test_a_faulty_row_is_told_with_its_place(service: Running) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await made_of(service, b'[{"conversations": [{"from": "gpt", "value": "x"}]}]')
    assert "item 1: turn 1 is of 'gpt', due is 'human'" in violations(caught.value)["file"]
