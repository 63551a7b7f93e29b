"""RegistryService: translate, delegate, translate."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, TypeVar

from shared.contracts.names import DEFAULT_ALIAS
from shared.errors import InvalidInputError, NotFoundError
from shared.runtime.auth import Role, check_role, current_principal
from shared.runtime.grpc_server import Rpc
from svc_registry.ports import RegistryStore, RegistryTransaction
from svc_registry.rpc.reading import read
from svc_registry.use_cases import finding, promoting
from svc_registry.wire.marks import move_message
from svc_registry.wire.versions import base_message, dataset_message, model_message
from upwell.registry.v1 import registry_service_pb2 as pb
from upwell.registry.v1 import registry_service_pb2_grpc as pb_grpc

AnswerT = TypeVar("AnswerT")
DEFAULT_PAGE = 100
LARGEST_PAGE = 1000
# Any id that a database gives has fewer digits.
LONGEST_TOKEN = 18


class RegistryService(pb_grpc.RegistryServiceServicer):
    """The catalogue over gRPC."""

    def __init__(self, store: RegistryStore) -> None:
        self._store = store

    async def GetDataset(self, request: pb.GetDatasetRequest, context: Any) -> pb.GetDatasetResponse:
        """By reference, or by key."""

        def find(tx: RegistryTransaction) -> pb.GetDatasetResponse:
            if request.reference:
                record = finding.find_dataset(tx, request.reference)
            else:
                record = finding.find_dataset_by_digest(tx, request.name, request.manifest_digest)
            return pb.GetDatasetResponse(dataset=dataset_message(record))

        return await self._read(find)

    async def ListDatasets(self, request: pb.ListDatasetsRequest, context: Any) -> pb.ListDatasetsResponse:
        """A page, newest first."""
        limit = page_size(request.page_size)
        before = page_start(request.page_token)

        def page(tx: RegistryTransaction) -> pb.ListDatasetsResponse:
            records = tx.datasets.page(
                name=request.name,
                kind=request.kind,
                before_id=before,
                limit=limit,
                include_deleted=request.include_deleted,
            )
            token = str(records[-1].id) if len(records) == limit else ""
            return pb.ListDatasetsResponse(
                datasets=[dataset_message(record) for record in records], next_page_token=token
            )

        return await self._read(page)

    async def GetBase(self, request: pb.GetBaseRequest, context: Any) -> pb.GetBaseResponse:
        """By digest or name."""

        def find(tx: RegistryTransaction) -> pb.GetBaseResponse:
            record = tx.bases.find(request.reference)
            if record is None:
                raise NotFoundError(f"There is no base {request.reference!r}")
            return pb.GetBaseResponse(base=base_message(record))

        return await self._read(find)

    async def ListBases(self, request: pb.ListBasesRequest, context: Any) -> pb.ListBasesResponse:
        """All of them."""
        return await self._read(
            lambda tx: pb.ListBasesResponse(bases=[base_message(record) for record in tx.bases.all()])
        )

    async def GetModel(self, request: pb.GetModelRequest, context: Any) -> pb.GetModelResponse:
        """By reference, or by run."""

        def find(tx: RegistryTransaction) -> pb.GetModelResponse:
            if request.reference:
                return pb.GetModelResponse(model=model_message(finding.find_model(tx, request.reference)))
            record = tx.models.by_run(request.run_id)
            if record is None:
                raise NotFoundError(f"The run {request.run_id!r} has no registered model version")
            return pb.GetModelResponse(model=model_message(record))

        return await self._read(find)

    async def ListModels(self, request: pb.ListModelsRequest, context: Any) -> pb.ListModelsResponse:
        """A page, newest first."""
        limit = page_size(request.page_size)
        before = page_start(request.page_token)

        def page(tx: RegistryTransaction) -> pb.ListModelsResponse:
            records = tx.models.page(
                name=request.name, before_id=before, limit=limit, include_deleted=request.include_deleted
            )
            token = str(records[-1].id) if len(records) == limit else ""
            return pb.ListModelsResponse(models=[model_message(record) for record in records], next_page_token=token)

        return await self._read(page)

    async def PromoteModel(self, request: pb.PromoteModelRequest, context: Any) -> pb.PromoteModelResponse:
        """Move an alias as the caller."""
        if request.force:
            check_role(current_principal(), needs=Role.ADMIN)
        move = await asyncio.to_thread(
            promoting.promote,
            self._store,
            name=request.name,
            version=request.version,
            alias=request.alias or DEFAULT_ALIAS,
            moved_by=current_principal().name,
            reason=request.reason,
            force=request.force,
        )
        return pb.PromoteModelResponse(move=move_message(move))

    async def ListAliases(self, request: pb.ListAliasesRequest, context: Any) -> pb.ListAliasesResponse:
        """Where the aliases stand."""

        def standing(tx: RegistryTransaction) -> pb.ListAliasesResponse:
            return pb.ListAliasesResponse(
                aliases=[
                    pb.Alias(alias=move.alias, model=model_message(record), ledger_id=move.ledger_id)
                    for move, record in tx.models.aliases(request.name)
                ]
            )

        return await self._read(standing)

    async def ListAliasMoves(self, request: pb.ListAliasMovesRequest, context: Any) -> pb.ListAliasMovesResponse:
        """The ledger, newest first."""
        limit = page_size(request.limit, field="limit", default=LARGEST_PAGE)

        def page(tx: RegistryTransaction) -> pb.ListAliasMovesResponse:
            moves = tx.ledger.page(request.name, alias=request.alias, limit=limit)
            return pb.ListAliasMovesResponse(moves=[move_message(move) for move in moves])

        return await self._read(page)

    async def _read(self, answer: Callable[[RegistryTransaction], AnswerT]) -> AnswerT:
        return await read(self._store, answer)


def page_size(asked: int, *, field: str = "page_size", default: int = DEFAULT_PAGE) -> int:
    """The page size asked for, or the default; InvalidInputError when it is too large."""
    if asked > LARGEST_PAGE:
        raise InvalidInputError.of(field, f"{asked} is too large: ask for 1 to {LARGEST_PAGE}")
    return asked or default


def page_start(token: str) -> int:
    """The id before which the page begins; 0 begins at the newest."""
    if token and not (token.isascii() and token.isdigit() and len(token) <= LONGEST_TOKEN):
        raise InvalidInputError.of("page_token", f"{token[:50]!r} did not come from an earlier answer")
    return int(token or 0)


def registry_rpc(store: RegistryStore) -> Rpc:
    """The service with its roles."""
    servicer = RegistryService(store)
    return Rpc(
        full_name="upwell.registry.v1.RegistryService",
        add_to=lambda server: pb_grpc.add_RegistryServiceServicer_to_server(servicer, server),
        roles={"PromoteModel": Role.TRAINER},
    )
