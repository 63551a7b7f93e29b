"""Streaming a file: what comes out, and every way to be refused."""

from __future__ import annotations

import asyncio
import hashlib
import inspect
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from tests.component.ingest.running import CSV, Running, header, parts, token, violations
from upwell.common.v1 import common_pb2 as common
from upwell.ingest.v1 import ingest_service_pb2 as pb

INVALID = grpc.StatusCode.INVALID_ARGUMENT


async def refused(service: Running, stream: Any, role: str = "reviewer") -> grpc.aio.AioRpcError:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await service.stub.Ingest(stream, metadata=token(role))
    return caught.value


async def until(condition: Any) -> None:
    limit = time.monotonic() + 10
    while True:
        held = condition()
        if await held if inspect.isawaitable(held) else held:
            return
        assert time.monotonic() < limit
        await asyncio.sleep(0.02)


async def test_a_file_becomes_a_dataset(service: Running) -> None:
    answer = await service.ingest(CSV)
    assert answer.dataset.name == "pump"
    assert answer.dataset.version == 0
    assert (answer.rows, list(answer.channels)) == (60, ["a", "b"])
    manifest = service.artifacts.manifest(answer.dataset.manifest_digest)
    assert manifest.parents == ("source/file:pump.csv",)
    assert manifest.meta["source_sha256"] == hashlib.sha256(CSV).hexdigest()
    assert [entry.path for entry in manifest.files] == ["series.parquet"]
    ((subject, body),) = service.events()
    assert subject == "dataset.produced"
    assert body["producer"] == f"svc_ingest/{answer.job_id}"
    (job,) = await service.jobs()
    assert (job.job_id, job.state, job.origin) == (answer.job_id, common.WORK_STATE_COMPLETED, "stream:pump.csv")
    assert job.dataset.manifest_digest == answer.dataset.manifest_digest
    assert service.left_over() == []


async def test_equal_content_has_one_digest_however_it_is_cut(service: Running) -> None:
    first = await service.ingest(CSV)
    again = await service.stub.Ingest(parts(CSV, chunk_bytes=7), metadata=token("reviewer"))
    other = await service.ingest(CSV + b"2024-01-02,1,1\n")
    assert first.dataset.manifest_digest == again.dataset.manifest_digest != other.dataset.manifest_digest
    assert first.job_id != again.job_id


BAD_FILES: dict[str, tuple[bytes, dict[str, Any], str, str]] = {
    "empty": (b"", {}, "file", "the file is empty"),
    "header only": (b"time,a\n", {}, "file", "no row of data"),
    "no time column": (b"when,a\n1,2\n", {}, "options.time_column", "no column's name says time"),
    "unparsable time": (b"time,a\n2024-01-01,1\nyesterday,2\n", {}, "file", "line 3"),
    "ambiguous integers": (b"time,a\n1700000000,1\n", {}, "options.time_format", "say what they are"),
    "duplicate time": (b"time,a\n2024-01-01,1\n2024-01-01,2\n", {}, "file", "line 3: the time 2024-01-01"),
    "unsorted": (b"time,a\n2024-01-02,1\n2024-01-01,2\n", {}, "file", "line 3: the time 2024-01-01"),
    "not a number": (b"time,a\n2024-01-01,1\n2024-01-02,NaN\n", {}, "file", "line 3"),
    "infinity": (b"time,a\n2024-01-01,1\n2024-01-02,inf\n", {}, "file", "line 3"),
    "mixed types": (b"time,a\n2024-01-01,1\n2024-01-02,high\n", {}, "file", "line 3"),
    "long line": (b"time,a\n2024-01-01," + b"1" * 200 + b"\n", {"max_line_bytes": 100}, "file", "line 2: longer than"),
    "wrong encoding": ("time,温度\n2024-01-01,1\n".encode("gbk"), {}, "file", "not text in utf-8"),
    "no parquet": (b"PAR1 but not really", {"source": "parquet"}, "file", "no readable Parquet"),
}


@pytest.mark.parametrize("kind", BAD_FILES)
async def test_a_bad_file_is_told_with_its_place(service: Running, kind: str) -> None:
    data, asked, field, message = BAD_FILES[kind]
    error = await refused(service, parts(data, **asked))
    assert error.code() is INVALID
    assert message in violations(error)[field]
    (job,) = await service.jobs()
    assert job.state == common.WORK_STATE_FAILED
    assert message in job.failure.reason
    assert service.events() == []
    assert service.left_over() == []


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({"name": "no name"}, "name"),
        ({"source": "fax"}, "source"),
        ({"source": "", "file_name": "pump.fax"}, "source"),
        ({"file_name": "../pump.csv"}, "file_name"),
        ({"timezone": "Mars/Olympus"}, "options.timezone"),
        ({"channels": ["a", "a"]}, "options.channels"),
        ({"delimiter": "::"}, "options.delimiter"),
        ({"downsample_to": 1}, "options.downsample_to"),
    ],
)
async def test_a_wrong_header_is_told_by_field(service: Running, asked: dict[str, Any], field: str) -> None:
    error = await refused(service, parts(CSV, **asked))
    assert error.code() is INVALID
    assert list(violations(error)) == [field]


async def test_the_source_may_be_told_by_the_file_name(service: Running) -> None:
    answer = await service.stub.Ingest(parts(CSV, source=""), metadata=token("reviewer"))
    assert answer.rows == 60


CHUNK = pb.IngestRequest(chunk=b"time,a\n")
BAD_STREAMS: dict[str, tuple[list[pb.IngestRequest], str, str]] = {
    "nothing": ([], "header", "the stream is empty"),
    "no header": ([CHUNK], "header", "must come first"),
    "an empty part": ([pb.IngestRequest()], "header", "must come first"),
    "header twice": ([header(), CHUNK, header()], "header", "must come once"),
    "oversized chunk": ([header(), pb.IngestRequest(chunk=b"x" * (2**20 + 1))], "chunk", "at most 1048576 (1 MiB)"),
}


@pytest.mark.parametrize("kind", BAD_STREAMS)
async def test_a_wrong_stream_is_told(service: Running, kind: str) -> None:
    stream, field, message = BAD_STREAMS[kind]
    error = await refused(service, iter(stream))
    assert error.code() is INVALID
    assert message in violations(error)[field]
    assert service.left_over() == []
    assert service.events() == []


async def test_a_message_over_the_transports_limit_is_refused(service: Running) -> None:
    error = await refused(service, iter([header(), pb.IngestRequest(chunk=b"x" * (17 * 2**20))]))
    assert error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    await until(lambda: service.left_over() == [])


async def test_a_file_over_the_limit_is_refused_and_kept_as_failed(small_service: Running) -> None:
    error = await refused(small_service, parts(b"x" * 3000))
    assert error.code() is INVALID
    assert "more than 2000 bytes (UPWELL_MAX_UPLOAD_BYTES)" in violations(error)["chunk"]
    (job,) = await small_service.jobs()
    assert job.state == common.WORK_STATE_FAILED
    assert small_service.left_over() == []


async def test_callers_without_the_right_token_are_refused(service: Running) -> None:
    async def code(metadata: Any) -> grpc.StatusCode:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await service.stub.Ingest(parts(CSV), metadata=metadata)
        return caught.value.code()

    assert await code(()) is grpc.StatusCode.UNAUTHENTICATED
    assert await code((("authorization", "Bearer wrong"),)) is grpc.StatusCode.UNAUTHENTICATED
    assert await code(token("viewer")) is grpc.StatusCode.PERMISSION_DENIED
    assert await service.jobs() == []
    assert service.left_over() == []


class HalfStream:
    """Sends a header and half a file, and then nothing."""

    def __init__(self) -> None:
        self.sent = asyncio.Event()
        self._parts = iter([header(), pb.IngestRequest(chunk=CSV[: len(CSV) // 2])])

    def __aiter__(self) -> AsyncIterator[pb.IngestRequest]:
        return self

    async def __anext__(self) -> pb.IngestRequest:
        part = next(self._parts, None)
        if part is None:
            self.sent.set()
            await asyncio.Event().wait()
        assert part is not None
        return part


async def cancelled(service: Running) -> bool:
    return [job.state for job in await service.jobs()] == [common.WORK_STATE_CANCELLED]


async def test_a_caller_who_goes_away_leaves_nothing(service: Running) -> None:
    stream = HalfStream()
    call = service.stub.Ingest(stream, metadata=token("reviewer"))
    await stream.sent.wait()
    await until(lambda: len(service.left_over()) == 1)
    call.cancel()
    await until(lambda: cancelled(service))
    await until(lambda: service.left_over() == [])
    assert service.events() == []


async def test_a_deadline_that_passes_leaves_nothing(service: Running) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await service.stub.Ingest(HalfStream(), metadata=token("reviewer"), timeout=0.3)
    assert caught.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    await until(lambda: cancelled(service))
    await until(lambda: service.left_over() == [])
    assert service.events() == []


async def test_one_upload_too_many_is_refused_until_another_ends(small_service: Running) -> None:
    stream = HalfStream()
    call = small_service.stub.Ingest(stream, metadata=token("reviewer"))
    await stream.sent.wait()
    await until(lambda: len(small_service.left_over()) == 1)
    error = await refused(small_service, parts(b"time,a\n2024-01-01,1\n"))
    assert error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert error.details() == "1 files are being streamed already: try again later"
    call.cancel()
    await until(lambda: small_service.left_over() == [])
    assert (await small_service.ingest(b"time,a\n2024-01-01,1\n")).rows == 1


async def test_health_answers_while_files_are_read(service: Running) -> None:
    lines = b"".join(b"%d,%d\n" % (i, i % 97) for i in range(400_000))

    def big() -> Iterator[pb.IngestRequest]:
        return parts(b"time,a\n" + lines, chunk_bytes=2**19, time_format="index")

    ingests = asyncio.gather(*(service.stub.Ingest(big(), metadata=token("reviewer")) for _ in range(2)))
    slowest = 0.0
    async with grpc.aio.insecure_channel(service.address) as channel:
        while not ingests.done():
            begun = time.monotonic()
            stub: Any = health_pb2_grpc.HealthStub(channel)
            await stub.Check(health_pb2.HealthCheckRequest(), timeout=5)
            slowest = max(slowest, time.monotonic() - begun)
            await asyncio.sleep(0.01)
    assert {answer.rows for answer in await ingests} == {400_000}
    assert slowest < 1.0
