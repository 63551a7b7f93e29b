"""All services behind one object."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cached_property

import grpc

from upwell.client.artifacts import ArtifactClient
from upwell.client.bases import BasesClient
from upwell.client.calls import TRY_LATER, Caller
from upwell.client.connection import Connection
from upwell.client.history import HistoryClient
from upwell.client.infer import WHEN_LATE, InferClient
from upwell.client.ingest import IngestClient
from upwell.client.label import LabelClient
from upwell.client.lineage import LineageClient
from upwell.client.numbering import Numbering
from upwell.client.promotion import PromotionClient
from upwell.client.publisher import Publisher
from upwell.client.registry import RegistryClient
from upwell.client.train import TrainClient
from upwell.client.versions import VersionClient


class Upwell:
    """The five services; each channel opens when it is first needed."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._channels: dict[str, grpc.aio.Channel] = {}
        self.publisher = Publisher(connection.nats_url)

    @classmethod
    @asynccontextmanager
    async def connect(cls, connection: Connection | None = None) -> AsyncIterator[Upwell]:
        """The client for the length of a block.

        Args:
            connection: where to; None takes it from the environment (see `Connection.from_environment`).
        """
        upwell = cls(connection or Connection.from_environment())
        try:
            yield upwell
        finally:
            await upwell.close()

    async def close(self) -> None:
        """Close every channel."""
        for channel in self._channels.values():
            await channel.close()
        self._channels.clear()

    @cached_property
    def ingest(self) -> IngestClient:
        """svc_ingest."""
        return IngestClient(self._channel("ingest"), self._caller("ingest"))

    @cached_property
    def label(self) -> LabelClient:
        """svc_label."""
        return LabelClient(self._channel("label"), self._caller("label"))

    @cached_property
    def train(self) -> TrainClient:
        """svc_train."""
        return TrainClient(self._channel("train"), self._caller("train"), self.publisher)

    @cached_property
    def bases(self) -> BasesClient:
        """svc_train's bases."""
        return BasesClient(self._channel("train"), self._caller("train"))

    @cached_property
    def infer(self) -> InferClient:
        """svc_infer."""
        return InferClient(self._channel("infer"), self._caller("infer", WHEN_LATE), self.publisher)

    @cached_property
    def registry(self) -> RegistryClient:
        """svc_registry's catalogue."""
        return RegistryClient(self._channel("registry"), self._caller("registry"))

    @cached_property
    def promotion(self) -> PromotionClient:
        """svc_registry's gates, rollbacks and history of aliases."""
        return PromotionClient(self._channel("registry"), self._caller("registry"))

    @cached_property
    def versions(self) -> VersionClient:
        """svc_registry's copying, signing and deleting."""
        return VersionClient(self._channel("registry"), self._caller("registry"))

    @cached_property
    def numbering(self) -> Numbering:
        """Waits for the registry to number what was just made."""
        return Numbering(self.registry, self._connection.nats_url)

    @cached_property
    def artifacts(self) -> ArtifactClient:
        """The files of versions."""
        return ArtifactClient(self._channel("registry"), self._caller("registry"), ca=self._connection.ca)

    @cached_property
    def lineage(self) -> LineageClient:
        """svc_registry's lineage graph."""
        return LineageClient(self._channel("registry"), self._caller("registry"))

    @cached_property
    def history(self) -> HistoryClient:
        """svc_registry's training histories."""
        return HistoryClient(self._channel("registry"), self._caller("registry"))

    def _channel(self, service: str) -> grpc.aio.Channel:
        if service not in self._channels:
            self._channels[service] = self._connection.channel(service)
        return self._channels[service]

    def _caller(self, service: str, when_late: str = TRY_LATER) -> Caller:
        address: str = getattr(self._connection, service)
        return Caller(peer=f"svc_{service} at {address}", token=self._connection.token, when_late=when_late)
