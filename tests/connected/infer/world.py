"""A registry and two serving replicas on real servers, and what makers and callers do with them."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from shared.contracts.manifest import Manifest
from shared.contracts.versions import ModelVersion
from shared.runtime.artifacts import Artifacts, blob_key
from shared.runtime.envelope import encode
from shared.runtime.object_store import object_store_for
from shared.runtime.settings import ServiceSettings
from tests.component.infer.tiny import TinyModels
from tests.support.bus import events_on, publish, stream_messages
from tests.support.servers import Servers, Service, wait_until
from upwell.common.v1 import common_pb2 as common
from upwell.events import INFER, INGEST, REGISTRY, TRAIN
from upwell.infer.v1 import infer_service_pb2 as pb
from upwell.infer.v1 import infer_service_pb2_grpc as pb_grpc
from upwell.local.ports import choose_ports
from upwell.local.record import PERSON
from upwell.permissions import CLIENT
from upwell.registry.v1 import events_pb2 as facts
from upwell.registry.v1 import promotion_service_pb2 as promotion_pb
from upwell.registry.v1 import promotion_service_pb2_grpc as promotion_grpc
from upwell.registry.v1 import registry_service_pb2 as registry_pb
from upwell.registry.v1 import registry_service_pb2_grpc as registry_grpc
from upwell.registry.v1 import version_service_pb2 as version_pb
from upwell.registry.v1 import version_service_pb2_grpc as version_grpc
from upwell.train.v1 import events_pb2 as train

WITHIN_S = 20.0
# A process reads a lot of code before it serves, all the longer when the cores are busy.
STARTED_WITHIN_S = 90.0
# One replica moves by what it hears alone, the other also looks by itself.
NEVER_S, SOON_S = "600", "2"
SETTINGS = {"UPWELL_LEASE_SECONDS": "4", "UPWELL_PATIENCE_SECONDS": "3", "OMP_NUM_THREADS": "1"}


class Replica:
    """One serving process and a client of it."""

    def __init__(self, servers: Servers, port: int, token: str, *, reconcile_s: str) -> None:
        environment = servers.environment(
            INFER, UPWELL_GRPC_PORT=str(port), UPWELL_RECONCILE_SECONDS=reconcile_s, **SETTINGS
        )
        self.service = service = Service(INFER, port, environment, servers.folder.log(f"{INFER}-{port}"))
        servers.services.append(service)
        self.channel = grpc.insecure_channel(service.address, [("grpc.enable_retries", 0)])
        self.stub = pb_grpc.InferServiceStub(self.channel)
        self.metadata = [("authorization", f"Bearer {token}")]

    def wait_ready(self) -> None:
        """Return once it serves."""
        wait_until(self.service.is_ready, STARTED_WITHIN_S, self.service.log_tail)

    def predict(self, model: str, values: np.ndarray, *, timeout: float = WITHIN_S) -> pb.PredictResponse:
        series = pb.Series(id="s", channels=[pb.Channel(name="flow", values=values.tolist())])
        request = pb.PredictRequest(model=model, series=[series], include_scores=True)
        answer: pb.PredictResponse = self.stub.Predict(request, timeout=timeout, metadata=self.metadata)
        return answer

    def speaks(self, model: str) -> int:
        """The version that answers."""
        return self.predict(model, np.arange(9.0)).model.version

    def serves(self, model: str) -> bool:
        """Whether anything answers under a name."""
        try:
            self.predict(model, np.arange(9.0))
        except grpc.RpcError as error:
            if error.code() is grpc.StatusCode.NOT_FOUND:
                return False
            raise
        return True

    def statuses(self, model: str) -> dict[int, pb.ModelStatus]:
        """By version; empty when it holds none."""
        # An empty request is never refused, so a model that is not here yet is no error.
        answer = self.stub.GetModelStatus(pb.GetModelStatusRequest(), timeout=WITHIN_S, metadata=self.metadata)
        return {status.model.version: status for status in answer.models if status.model.name == model}

    def job(self, job_id: str) -> pb.PredictionJob:
        return self.stub.GetJob(pb.GetJobRequest(job_id=job_id), timeout=WITHIN_S, metadata=self.metadata).job


class World:
    """See the module. Names are the tests' own, so that they do not meet."""

    def __init__(self, servers: Servers, root: Path) -> None:
        self.servers = servers
        self.root = root
        fields = {key.removeprefix("UPWELL_").lower(): value for key, value in servers.environment(TRAIN).items()}
        settings = ServiceSettings(**{k: v for k, v in fields.items() if k in ServiceSettings.model_fields})  # type: ignore[arg-type]
        self.objects = object_store_for(settings)
        self.objects.ensure_bucket()
        self.artifacts = Artifacts(self.objects)
        self.models = TinyModels(root, self.artifacts)
        self.token = servers.record.tokens[PERSON]
        self.registry = servers.run_service(REGISTRY)
        channel = grpc.insecure_channel(self.registry.address)
        self.registry_stub = registry_grpc.RegistryServiceStub(channel)
        self.promotion_stub = promotion_grpc.PromotionServiceStub(channel)
        self.version_stub = version_grpc.VersionServiceStub(channel)
        self.metadata = [("authorization", f"Bearer {self.token}")]
        ports = choose_ports(["hearing", "looking"], {})
        self.hearing = Replica(servers, ports["hearing"], self.token, reconcile_s=NEVER_S)
        self.looking = Replica(servers, ports["looking"], self.token, reconcile_s=SOON_S)
        self.start_replicas()

    @property
    def replicas(self) -> tuple[Replica, Replica]:
        return self.hearing, self.looking

    def start_replicas(self) -> None:
        """Start both at once."""
        for replica in self.replicas:
            replica.service.start(ready=False)
        for replica in self.replicas:
            replica.wait_ready()

    def register(self, name: str, made: ModelVersion) -> int:
        """Say, as svc_train does, that a run made a version; its number once the registry has given one."""
        completed = train.TrainCompleted(
            run_id=made.run_id,
            attempt=1,
            recipe="series-lm",
            model=name,
            bundle_digest=made.bundle_digest,
            base=common.BaseRef(name=made.base.name, digest=made.base.digest),
        )
        outgoing = encode(completed, key=made.run_id, source=TRAIN)
        publish(self.servers, TRAIN, outgoing.subject, outgoing.body, outgoing.headers)
        request = registry_pb.GetModelRequest(run_id=made.run_id)
        return self._once_found(self.registry_stub.GetModel, request).model.ref.version

    def promote(self, name: str, version: int) -> None:
        request = registry_pb.PromoteModelRequest(name=name, version=version)
        self.registry_stub.PromoteModel(request, timeout=WITHIN_S, metadata=self.metadata)

    def clear(self, name: str) -> None:
        request = promotion_pb.ClearAliasRequest(model=name, alias="champion")
        self.promotion_stub.ClearAlias(request, timeout=WITHIN_S, metadata=self.metadata)

    def delete(self, name: str, version: int) -> None:
        request = version_pb.DeleteModelRequest(name=name, version=version, reason="not needed")
        self.version_stub.DeleteModel(request, timeout=WITHIN_S, metadata=self.metadata)

    def serve(self, name: str, version: int) -> None:
        """Promote, and wait until both replicas answer with it."""
        self.promote(name, version)
        for replica in self.replicas:
            wait_until(lambda replica=replica: replica.speaks(name) == version, WITHIN_S, replica.service.log_tail)

    def flip(self, digest: str, path: str) -> None:
        """Change a byte of a file of a stored manifest."""
        key = self._blob(digest, path)
        data = bytearray(self.objects.get_bytes(key, max_bytes=2**30))
        data[len(data) // 2] ^= 1
        self.objects.put_bytes(key, bytes(data))

    def remove(self, digest: str, path: str) -> None:
        self.objects._client.remove_object(self.objects._bucket, self._blob(digest, path))

    def store_series(self, columns: dict[str, np.ndarray]) -> Manifest:
        rows = len(next(iter(columns.values())))
        path = self.root / "series.parquet"
        pq.write_table(pa.table({"time": pa.array(range(rows), pa.int64()), **columns}), path)
        return self.artifacts.store(kind="series/v1", files={"series.parquet": path}, meta={"rows": rows}, parents=[])

    def announce_series(self, name: str, manifest: Manifest) -> None:
        """Say, as svc_ingest does, that a dataset was made; returns once the registry has numbered it."""
        produced = facts.DatasetProduced(name=name, kind="series/v1", manifest_digest=manifest.digest, producer="test")
        outgoing = encode(produced, key=f"{name}/{manifest.digest}", source=INGEST)
        publish(self.servers, INGEST, outgoing.subject, outgoing.body, outgoing.headers)
        self._once_found(self.registry_stub.GetDataset, registry_pb.GetDatasetRequest(reference=name))

    def announce_base(self, name: str, digest: str) -> None:
        """Say, as svc_train does, that a base was stored; returns once the registry knows it."""
        outgoing = encode(facts.BaseProduced(name=name, manifest_digest=digest), key=digest, source=TRAIN)
        publish(self.servers, TRAIN, outgoing.subject, outgoing.body, outgoing.headers)
        self._once_found(self.registry_stub.GetBase, registry_pb.GetBaseRequest(reference=digest))

    def ask(self, body: dict[str, Any]) -> None:
        """Publish `infer.requested` as any client does: plain JSON, no headers."""
        publish(self.servers, CLIENT, "infer.requested", json.dumps(body).encode())

    def events(self, subject: str, job_id: str) -> list[dict[str, Any]]:
        return [event for event in events_on(self.servers, subject) if event["jobId"] == job_id]

    def wait_for(self, subject: str, job_id: str, *, within_s: float = WITHIN_S) -> dict[str, Any]:
        [event] = wait_until(lambda: self.events(subject, job_id), within_s, self._logs, every_s=0.3)
        return event

    def dead_letters(self, subject: str) -> list[tuple[bytes, str]]:
        """Body and reason of each."""
        return [
            (body, headers["upwell-reason"])
            for found, body, headers in stream_messages(self.servers, "DEAD")
            if found == f"dead.{subject}"
        ]

    def result_file(self, digest: str, path: str) -> dict[str, Any]:
        return json.loads(self.objects.get_bytes(self._blob(digest, path), max_bytes=2**20))

    def _blob(self, digest: str, path: str) -> str:
        return blob_key(self.artifacts.manifest(digest).file(path).sha256)

    def _once_found(self, method: Callable[..., Any], request: Any) -> Any:
        limit = time.monotonic() + WITHIN_S
        while True:
            try:
                return method(request, timeout=WITHIN_S, metadata=self.metadata)
            except grpc.RpcError as error:
                if error.code() is not grpc.StatusCode.NOT_FOUND or time.monotonic() > limit:
                    raise
            time.sleep(0.1)

    def _logs(self) -> str:
        return "\n".join(replica.service.log_tail() for replica in self.replicas)
