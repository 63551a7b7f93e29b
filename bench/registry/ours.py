"""svc_registry as it runs: its own process, a real bus, a real object store, SQLite with every commit synced."""

from __future__ import annotations

import asyncio
import json
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path

import grpc
import nats

from bench.registry.world import ALIAS, ASKED, CHAIN, STAGES, names
from shared.contracts.manifest import Manifest
from shared.contracts.versions import BaseVersion, DatasetVersion, ModelRef
from shared.runtime.artifacts import manifest_key
from shared.runtime.database import Database
from shared.runtime.migrations import migrate
from shared.runtime.object_store import object_store_for
from shared.runtime.settings import ServiceSettings
from svc_registry.adapters.store import SqlRegistryStore
from svc_registry.bootstrap import MIGRATIONS
from svc_registry.domain.graph import graph_of_model
from svc_registry.domain.ledger import MoveKind
from svc_registry.domain.records import NewModel, NewMove
from svc_registry.ports import RegistryTransaction
from upwell.local.environment import BUCKET
from upwell.local.folder import DataFolder
from upwell.local.processes import Keeper
from upwell.local.record import PERSON, Record, renew_record
from upwell.local.stack import service, stages
from upwell.permissions import ADMIN
from upwell.registry.v1 import lineage_service_pb2 as lineage_pb
from upwell.registry.v1 import lineage_service_pb2_grpc as lineage_grpc
from upwell.registry.v1 import registry_service_pb2 as pb
from upwell.registry.v1 import registry_service_pb2_grpc as pb_grpc

NAME = "svc_registry"
BUNDLE = Manifest(kind="bundle/v1", files=(), meta={"family": "series"})
BASE = BaseVersion(name="tiny-qwen", digest="b" * 64)
DATASET = DatasetVersion(name="data", digest="d" * 64, version=1, kind="segments/v1")
REGISTERED_WITHIN_S = 30.0
LOOK_EVERY_S = 0.001


class Ours:
    """A running catalogue with its bus."""

    def __init__(self, record: Record) -> None:
        self._record = record
        self._loop = asyncio.new_event_loop()
        threading.Thread(target=self._loop.run_forever, daemon=True).start()
        self._bus = asyncio.run_coroutine_threadsafe(nats.connect(record.bus_url(ADMIN)), self._loop).result(30)

    @contextmanager
    def client(self) -> Iterator[Mapping[str, Callable[[], None]]]:
        """Calls over one channel; a registration is a fact published on the bus, as svc_train publishes it."""
        token = (("authorization", f"Bearer {self._record.tokens[PERSON]}"),)
        with grpc.insecure_channel(self._record.address(NAME)) as channel:
            catalogue, graph = pb_grpc.RegistryServiceStub(channel), lineage_grpc.LineageServiceStub(channel)

            def alias() -> None:
                found = catalogue.GetModel(pb.GetModelRequest(reference=f"{ASKED}:{ALIAS}"), metadata=token)
                assert ALIAS in found.model.aliases

            def search() -> None:
                found = catalogue.ListModels(pb.ListModelsRequest(name=ASKED, page_size=100), metadata=token)
                assert found.models

            def walk(node: str, direction: lineage_pb.Direction.ValueType) -> None:
                asked = lineage_pb.GetLineageRequest(node=node, direction=direction)
                answer = graph.GetLineage(asked, metadata=token)
                assert sum(node.type == "model" for node in answer.nodes) == STAGES

            def register() -> None:
                run_id = uuid.uuid4().hex
                self._publish(run_id)
                limit = time.monotonic() + REGISTERED_WITHIN_S
                while time.monotonic() < limit:
                    try:
                        catalogue.GetModel(pb.GetModelRequest(run_id=run_id), metadata=token)
                    except grpc.RpcError as error:
                        if error.code() is not grpc.StatusCode.NOT_FOUND:
                            raise
                        time.sleep(LOOK_EVERY_S)  # whoever asks without a pause holds up what it waits for
                    else:
                        return
                raise TimeoutError(run_id)

            yield {
                "alias": alias,
                "register": register,
                "ancestors": lambda: walk(f"{CHAIN}@{STAGES}", lineage_pb.DIRECTION_UP),
                "descendants": lambda: walk(f"{CHAIN}@1", lineage_pb.DIRECTION_DOWN),
                "search": search,
            }

    def close(self) -> None:
        """Leave the bus."""
        asyncio.run_coroutine_threadsafe(self._bus.close(), self._loop).result(30)

    def _publish(self, run_id: str) -> None:
        body = {
            "runId": run_id,
            "recipe": "series-lm",
            "model": "registered",
            "bundleDigest": BUNDLE.digest,
            "base": {"name": BASE.name, "digest": BASE.digest},
            "dataset": {"name": DATASET.name, "manifestDigest": DATASET.digest},
            "metrics": {"f1": 0.5},
        }
        sent = self._bus.jetstream().publish("train.completed", json.dumps(body).encode())
        asyncio.run_coroutine_threadsafe(sent, self._loop).result(30)


@contextmanager
def running(folder: Path, versions: int) -> Iterator[Ours]:
    """Start everything, filled, in the folder."""
    place = DataFolder.at(folder)
    place.make()
    record = renew_record(place)
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, daemon=True).start()
    servers, _ = stages(place, record)
    registry = service(NAME, folder=place, record=record)
    _fill(place.of(NAME) / f"{NAME}.db", versions)
    keepers = [Keeper(spec, on_change=lambda: None) for spec in (*servers.processes, registry)]

    async def start() -> None:
        for keeper in keepers[:-1]:
            await keeper.start()
        assert servers.then is not None
        await servers.then()
        await keepers[-1].start()

    async def stop() -> None:
        for keeper in reversed(keepers):
            await keeper.stop()

    try:
        asyncio.run_coroutine_threadsafe(start(), loop).result(120)
        _store_bundle(record)
        with closing(Ours(record)) as ours:
            yield ours
    finally:
        asyncio.run_coroutine_threadsafe(stop(), loop).result(120)
        loop.call_soon_threadsafe(loop.stop)


def _store_bundle(record: Record) -> None:
    settings = ServiceSettings.model_validate(
        {
            "s3_endpoint": f"http://{record.address('s3')}",
            "s3_access_key": record.s3_keys["access"],
            "s3_secret_key": record.s3_keys["secret"],
            "s3_bucket": BUCKET,
        }
    )
    objects = object_store_for(settings)
    objects.ensure_bucket()
    objects.put_bytes(manifest_key(BUNDLE.digest), BUNDLE.to_bytes())


def _fill(path: Path, versions: int) -> None:
    database = Database(f"sqlite:///{path}", schema=NAME)
    migrate(database, MIGRATIONS)
    with SqlRegistryStore(database, source="bench").transaction() as tx:
        for name, number in names(versions):
            _add(tx, name, f"{name}-{number}", None)
        parent = None
        for stage in range(STAGES):
            parent = _add(tx, CHAIN, f"{CHAIN}-{stage}", parent)
        tx.ledger.enter(
            NewMove(model=ASKED, alias=ALIAS, kind=MoveKind.MOVED, from_version=0, to_version=1, moved_by="bench")
        )
    database.dispose()


def _add(tx: RegistryTransaction, name: str, run_id: str, parent: ModelRef | None) -> ModelRef:
    model = NewModel(
        name=name,
        run_id=run_id,
        recipe="series-lm",
        bundle_digest=BUNDLE.digest,
        base=BASE,
        dataset=DATASET,
        metrics={"f1": 0.5},
        parent=parent,
    )
    record = tx.models.add(model)
    tx.lineage.add(graph_of_model(model, record.version))
    return ModelRef(name=name, version=record.version, run_id=run_id)
