"""How model versions came about: read, imported, exported, compared."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator, Sequence

import grpc

from upwell.client.calls import Caller
from upwell.registry.v1 import history_service_pb2 as pb
from upwell.registry.v1 import history_service_pb2_grpc

BATCH_FILES = 200
BATCH_BYTES = 4 * 2**20
DEADLINE_S = 120.0


class HistoryClient:
    """svc_registry's training histories."""

    def __init__(self, channel: grpc.aio.Channel, caller: Caller) -> None:
        self._stub = history_service_pb2_grpc.HistoryServiceStub(channel)
        self._caller = caller

    async def history(self, model: str) -> pb.GetHistoryResponse:
        """The chain of `name@4`, `name:alias`, or the champion of `name`, with its `training_info.json`."""
        return await self._caller.call(self._stub.GetHistory, pb.GetHistoryRequest(model=model))

    async def summaries(self) -> Sequence[pb.ModelHistory]:
        """Every model, summed up, by name."""
        found: list[pb.ModelHistory] = []
        token = ""
        while True:
            answer = await self._caller.call(self._stub.ListHistories, pb.ListHistoriesRequest(page_token=token))
            found += answer.models
            token = answer.next_page_token
            if not token:
                return found

    async def import_files(self, files: Sequence[pb.HistoryFile]) -> AsyncIterator[pb.ImportedFile]:
        """Import files, some at a time and short histories first; what became of each."""
        for batch in batches(sorted(files, key=lambda file: (history_length(file.content), file.path))):
            answer = await self._caller.call(
                self._stub.ImportHistories, pb.ImportHistoriesRequest(files=batch), deadline_s=DEADLINE_S
            )
            for imported in answer.files:
                yield imported

    async def export(self, *, model: str = "") -> AsyncIterator[pb.HistoryFile]:
        """Every file, or those of one model."""
        token = ""
        while True:
            request = pb.ExportHistoriesRequest(model=model, page_token=token)
            answer = await self._caller.call(self._stub.ExportHistories, request, deadline_s=DEADLINE_S)
            for file in answer.files:
                yield file
            token = answer.next_page_token
            if not token:
                return

    async def compare(self, models: Sequence[str]) -> pb.CompareModelsResponse:
        """2 to 20 versions beside each other."""
        return await self._caller.call(self._stub.CompareModels, pb.CompareModelsRequest(models=models))


def history_length(content: bytes) -> int:
    """How many trainings a file tells of; 0 where it cannot be read, which the service will say better."""
    try:
        document = json.loads(content)
    except (ValueError, RecursionError):
        return 0
    history = document.get("training_history") if isinstance(document, dict) else None
    return len(history) if isinstance(history, list) else 0


def batches(files: Sequence[pb.HistoryFile]) -> Iterator[list[pb.HistoryFile]]:
    """Files in their order, as many at a time as one call takes."""
    batch: list[pb.HistoryFile] = []
    size = 0
    for file in files:
        if batch and (len(batch) == BATCH_FILES or size + len(file.content) > BATCH_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(file)
        size += len(file.content)
    if batch:
        yield batch
