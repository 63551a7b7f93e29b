"""The catalogue: datasets, bases, models, aliases."""

from __future__ import annotations

from collections.abc import Sequence

import grpc

from upwell.client.calls import Caller
from upwell.common.v1 import common_pb2
from upwell.registry.v1 import registry_service_pb2, registry_service_pb2_grpc


class RegistryClient:
    """svc_registry's catalogue."""

    def __init__(self, channel: grpc.aio.Channel, caller: Caller) -> None:
        self._stub = registry_service_pb2_grpc.RegistryServiceStub(channel)
        self._caller = caller

    async def dataset(self, reference: str) -> registry_service_pb2.DatasetVersion:
        """A dataset version by `name@3`, or the newest one by `name`."""
        request = registry_service_pb2.GetDatasetRequest(reference=reference)
        return (await self._caller.call(self._stub.GetDataset, request)).dataset

    async def produced_dataset(self, made: common_pb2.DatasetRef) -> registry_service_pb2.DatasetVersion:
        """A dataset version by what its maker knows of it: name and manifest digest."""
        request = registry_service_pb2.GetDatasetRequest(name=made.name, manifest_digest=made.manifest_digest)
        return (await self._caller.call(self._stub.GetDataset, request)).dataset

    async def datasets(
        self, *, name: str = "", kind: str = "", limit: int = 100
    ) -> Sequence[registry_service_pb2.DatasetVersion]:
        """Dataset versions, newest first."""
        found: list[registry_service_pb2.DatasetVersion] = []
        token = ""
        while len(found) < limit:
            request = registry_service_pb2.ListDatasetsRequest(
                name=name, kind=kind, page_size=min(limit - len(found), 1000), page_token=token
            )
            answer = await self._caller.call(self._stub.ListDatasets, request)
            found += answer.datasets
            token = answer.next_page_token
            if not token:
                break
        return found

    async def base(self, reference: str) -> registry_service_pb2.Base:
        """A base by name (the newest of it) or digest."""
        request = registry_service_pb2.GetBaseRequest(reference=reference)
        return (await self._caller.call(self._stub.GetBase, request)).base

    async def bases(self) -> Sequence[registry_service_pb2.Base]:
        """Bases by name."""
        return (await self._caller.call(self._stub.ListBases, registry_service_pb2.ListBasesRequest())).bases

    async def model(self, reference: str) -> registry_service_pb2.ModelVersion:
        """A model version by `name@4`, `name:alias`, or the champion by `name`."""
        request = registry_service_pb2.GetModelRequest(reference=reference)
        return (await self._caller.call(self._stub.GetModel, request)).model

    async def trained_model(self, run_id: str) -> registry_service_pb2.ModelVersion:
        """The model version that a run made."""
        request = registry_service_pb2.GetModelRequest(run_id=run_id)
        return (await self._caller.call(self._stub.GetModel, request)).model

    async def models(
        self, *, name: str = "", limit: int = 100, include_deleted: bool = False
    ) -> Sequence[registry_service_pb2.ModelVersion]:
        """Model versions, newest first."""
        found: list[registry_service_pb2.ModelVersion] = []
        token = ""
        while len(found) < limit:
            request = registry_service_pb2.ListModelsRequest(
                name=name,
                page_size=min(limit - len(found), 1000),
                page_token=token,
                include_deleted=include_deleted,
            )
            answer = await self._caller.call(self._stub.ListModels, request)
            found += answer.models
            token = answer.next_page_token
            if not token:
                break
        return found

    async def promote(
        self, name: str, *, version: int, alias: str = "", reason: str = "", force: bool = False
    ) -> registry_service_pb2.AliasMove:
        """Move an alias (empty means champion) to a version; the same move twice changes nothing.

        `force` moves it even though its gate refuses, and needs the role admin.
        """
        request = registry_service_pb2.PromoteModelRequest(
            name=name, version=version, alias=alias, reason=reason, force=force
        )
        return (await self._caller.call(self._stub.PromoteModel, request)).move

    async def aliases(self, name: str = "") -> Sequence[registry_service_pb2.Alias]:
        """Where the aliases stand."""
        request = registry_service_pb2.ListAliasesRequest(name=name)
        return (await self._caller.call(self._stub.ListAliases, request)).aliases

    async def alias_moves(
        self, name: str, *, alias: str = "", limit: int = 0
    ) -> Sequence[registry_service_pb2.AliasMove]:
        """The ledger of a model's aliases, or of one alias, newest first; at most 1000 entries, fewer with a limit."""
        request = registry_service_pb2.ListAliasMovesRequest(name=name, alias=alias, limit=limit)
        return (await self._caller.call(self._stub.ListAliasMoves, request)).moves
