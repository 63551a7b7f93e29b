"""HistoryService: translate, delegate, translate."""

from __future__ import annotations

import asyncio
from typing import Any

from shared.errors import InvalidInputError
from shared.ports import ArtifactStore
from shared.runtime.auth import Role, current_principal
from shared.runtime.grpc_server import Rpc
from svc_registry.ports import RegistryStore
from svc_registry.rpc import history_messages as messages
from svc_registry.rpc.registry import page_size, page_start
from svc_registry.use_cases.comparing import compare_models
from svc_registry.use_cases.histories import Place, export_page, history_of, summaries
from svc_registry.use_cases.importing import SentFile, import_histories
from upwell.registry.v1 import history_service_pb2 as pb
from upwell.registry.v1 import history_service_pb2_grpc as pb_grpc

MOST_FILES = 500
MOST_BYTES = 8 * 2**20
LARGEST_EXPORT_PAGE = 100


class HistoryService(pb_grpc.HistoryServiceServicer):
    """Histories over gRPC."""

    def __init__(self, store: RegistryStore, artifacts: ArtifactStore) -> None:
        self._store = store
        self._artifacts = artifacts

    async def GetHistory(self, request: pb.GetHistoryRequest, context: Any) -> pb.GetHistoryResponse:
        """The chain of a version."""
        chain, document = await asyncio.to_thread(history_of, self._store, request.model)
        return messages.history_message(chain, document)

    async def ListHistories(self, request: pb.ListHistoriesRequest, context: Any) -> pb.ListHistoriesResponse:
        """A page by name; its token is the last name."""
        limit = page_size(request.page_size)
        found = await asyncio.to_thread(summaries, self._store, after=request.page_token, limit=limit)
        token = found[-1].model if len(found) == limit else ""
        return pb.ListHistoriesResponse(models=map(messages.summary_message, found), next_page_token=token)

    async def ImportHistories(self, request: pb.ImportHistoriesRequest, context: Any) -> pb.ImportHistoriesResponse:
        """As the caller."""
        _check_size(request)
        files = [
            SentFile(path=file.path, content=file.content, checkpoint_digest=file.checkpoint_digest)
            for file in request.files
        ]
        results = await asyncio.to_thread(
            import_histories, self._store, self._artifacts, files, imported_by=current_principal().name
        )
        return pb.ImportHistoriesResponse(files=map(messages.imported_message, results))

    async def ExportHistories(self, request: pb.ExportHistoriesRequest, context: Any) -> pb.ExportHistoriesResponse:
        """A page, imported files first."""
        if request.page_size > LARGEST_EXPORT_PAGE:
            reason = f"{request.page_size} is too large: ask for 1 to {LARGEST_EXPORT_PAGE}"
            raise InvalidInputError.of("page_size", reason)
        found, after = await asyncio.to_thread(
            export_page,
            self._store,
            model=request.model,
            after=_place(request.page_token),
            limit=request.page_size or LARGEST_EXPORT_PAGE,
        )
        files = [pb.HistoryFile(path=path, content=text.encode()) for path, text in found]
        return pb.ExportHistoriesResponse(files=files, next_page_token=_token(after) if after else "")

    async def CompareModels(self, request: pb.CompareModelsRequest, context: Any) -> pb.CompareModelsResponse:
        """Versions beside each other."""
        comparison = await asyncio.to_thread(compare_models, self._store, list(request.models))
        return messages.comparison_message(comparison)


def _check_size(request: pb.ImportHistoriesRequest) -> None:
    if not 1 <= len(request.files) <= MOST_FILES:
        raise InvalidInputError.of("files", f"{len(request.files)} sent: send 1 to {MOST_FILES} at once")
    if sum(len(file.content) for file in request.files) > MOST_BYTES:
        raise InvalidInputError.of("files", f"send at most {MOST_BYTES:,} bytes at once")
    paths = [file.path for file in request.files]
    if len(set(paths)) != len(paths):
        raise InvalidInputError.of("files", "a path is sent twice")


def _token(place: Place) -> str:
    return f"own/{place.id}" if place.own else f"file/{place.path}"


def _place(token: str) -> Place:
    kind, _, rest = token.partition("/")
    if kind == "own":
        return Place(own=True, id=page_start(rest))
    if token and kind != "file":
        raise InvalidInputError.of("page_token", f"{token[:50]!r} did not come from an earlier answer")
    return Place(path=rest)


def history_rpc(store: RegistryStore, artifacts: ArtifactStore) -> Rpc:
    """The service with its roles."""
    servicer = HistoryService(store, artifacts)
    return Rpc(
        full_name="upwell.registry.v1.HistoryService",
        add_to=lambda server: pb_grpc.add_HistoryServiceServicer_to_server(servicer, server),
        roles={"ImportHistories": Role.TRAINER},
    )
