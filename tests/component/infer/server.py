"""InferService over real gRPC in this process, with models that are fakes."""

from __future__ import annotations

from pathlib import Path

import grpc
import pytest

from shared.runtime.artifacts import Artifacts
from shared.runtime.auth import authenticator_for
from shared.runtime.database import Database
from shared.runtime.grpc_server import GrpcServer
from shared.runtime.migrations import migrate
from shared.runtime.object_store import FolderObjectStore
from svc_infer.adapters.cache import ArtifactCache
from svc_infer.adapters.fields import CachedFields
from svc_infer.adapters.store import SqlInferStore
from svc_infer.ports import ModelLoader
from svc_infer.rpc.calls import Serving
from svc_infer.rpc.service import infer_rpc
from svc_infer.serving.batcher import Batcher, Limits
from svc_infer.serving.lines import Lines
from svc_infer.serving.names import Names
from svc_infer.serving.shelf import Shelf
from svc_infer.settings import InferSettings
from tests.unit.infer.fakes import FakeCatalogue, FakeLoader, version
from upwell.infer.v1 import infer_service_pb2 as pb
from upwell.infer.v1 import infer_service_pb2_grpc as pb_grpc
from upwell.local.ports import choose_ports

MIGRATIONS = Path(__file__).parents[3] / "svc_infer" / "migrations"
QUEUE = 3


class Server:
    """A server that holds `pump@1` (champion) and knows `pump@2`; real models are loaded for it by another loader."""

    def __init__(
        self,
        root: Path,
        loader: ModelLoader | None = None,
        artifacts: Artifacts | None = None,
        *,
        longest_s: float = 5.0,
    ) -> None:
        self.database = Database(f"sqlite:///{root / 'infer.db'}", schema="svc_infer")
        migrate(self.database, MIGRATIONS)
        self.loader = FakeLoader()
        self.catalogue = FakeCatalogue()
        self.shelf = Shelf(loader or self.loader, capacity=5)
        self.names = Names(self.catalogue, self.shelf)
        self.batcher = Batcher(Limits(queue_requests=QUEUE))
        self.lines = Lines()
        self.shelf.start()
        self.batcher.start()
        if loader is None:
            self.catalogue.promote(version(1))
            self.catalogue.models.append(version(2))
            self.names.reconcile()
        settings = InferSettings(
            grpc_port=choose_ports(["grpc"], {})["grpc"],
            tokens="mira:viewer:view,rob:reviewer:review",
        )
        store = SqlInferStore(self.database, source="svc_infer")
        serving = Serving(
            names=self.names, shelf=self.shelf, batcher=self.batcher, lines=self.lines, longest_s=longest_s
        )
        self.artifacts = artifacts or Artifacts(FolderObjectStore(root / "objects"))
        fields = CachedFields(ArtifactCache(self.artifacts, root / "datasets"))
        rpc = infer_rpc(serving, store, self.catalogue, fields)
        self.grpc = GrpcServer(settings, default_port=1, rpcs=[rpc], auth=authenticator_for(settings))

    @property
    def champion(self):
        return self.shelf.ready(version(1))

    async def stop(self) -> None:
        """Let whoever waits at a gate go on, and end."""
        self.loader.gate.set()
        if self.champion:
            self.champion.gate.set()
        await self.grpc.stop(1)
        self.batcher.stop()
        self.shelf.stop()
        self.database.dispose()


class Client:
    """Calls with a token."""

    def __init__(self, server: Server) -> None:
        # A client has limits of its own: it takes answers of up to 4 MiB unless it says otherwise.
        self.channel = grpc.aio.insecure_channel(server.grpc.address, [("grpc.max_receive_message_length", 16 * 2**20)])
        self.stub = pb_grpc.InferServiceStub(self.channel)
        self.metadata = [("authorization", "Bearer view")]

    def predict(self, model: str = "pump", values=(0.0, 9.0, 0.0), *, timeout: float = 10.0, **more):
        series = [pb.Series(id="s", channels=[pb.Channel(name="flow", values=values)])]
        request = pb.PredictRequest(model=model, series=more.pop("series", series), **more)
        return self.stub.Predict(request, timeout=timeout, metadata=self.metadata)

    async def statuses(self, model: str = "") -> dict[str, pb.ModelStatus]:
        answer = await self.stub.GetModelStatus(pb.GetModelStatusRequest(model=model), metadata=self.metadata)
        return {f"{one.model.name}@{one.model.version}": one for one in answer.models}


async def refused(call) -> grpc.aio.AioRpcError:
    with pytest.raises(grpc.aio.AioRpcError) as error:
        await call
    return error.value
