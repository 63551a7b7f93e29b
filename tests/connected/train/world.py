"""A training set in a real object store, known to a real registry, and what tests do with runs."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import psutil
import pyarrow as pa
import pyarrow.parquet as pq

from shared.contracts.lineage import dataset_key
from shared.contracts.versions import DatasetVersion
from shared.errors import NotFoundError, UnavailableError
from shared.runtime.artifacts import Artifacts
from shared.runtime.catalogue import RegistryCatalogue
from shared.runtime.object_store import object_store_for
from shared.runtime.settings import ServiceSettings
from tests.support.bus import events_on, publish, stream_messages
from tests.support.servers import Servers, Service, wait_until
from upwell.common.v1 import common_pb2 as common
from upwell.local.ports import choose_ports
from upwell.permissions import CLIENT
from upwell.registry.v1 import registry_service_pb2 as registry_pb
from upwell.registry.v1 import registry_service_pb2_grpc as registry_grpc
from upwell.train.v1 import train_service_pb2 as pb
from upwell.train.v1 import train_service_pb2_grpc as rpc

ROWS = 400
# A training process loads torch first; on a busy machine that alone takes half a minute.
TRAINS_WITHIN_S = 120.0
TINY = {"max_steps": 4, "batch_size": 2, "warmup_steps": 1, "window": 32}
ENDLESS = {**TINY, "max_steps": 1_000_000}
FINAL = {common.WORK_STATE_COMPLETED, common.WORK_STATE_FAILED, common.WORK_STATE_CANCELLED}


class World:
    """Real servers, svc_registry, svc_train, and two datasets: `bumps` to learn from, `bumps-series` which is raw."""

    def __init__(self, servers: Servers, folder: Path, **settings: str) -> None:
        self.servers = servers
        # Other tests run these services at their own ports, over the same servers.
        self._ports = choose_ports(("registry", "train", "replica"), {})
        self._quick = {
            "UPWELL_REGISTRY_ADDRESS": f"127.0.0.1:{self._ports['registry']}",
            "UPWELL_LEASE_SECONDS": "3",
            "UPWELL_PATIENCE_SECONDS": "2",
            "UPWELL_DRAIN_SECONDS": "5",
            "UPWELL_LOG_LEVEL": "INFO",
            **settings,
        }
        self.registry = servers.run_service("svc_registry", port=self._ports["registry"], **settings)
        self.train = servers.run_service("svc_train", port=self._ports["train"], **self._quick)
        label = _settings(servers.environment("svc_label", **self._quick))
        self.objects = object_store_for(label)
        self.artifacts = Artifacts(self.objects)
        self.catalogue = RegistryCatalogue(label)
        self.token = (("authorization", f"Bearer {servers.client_environment['UPWELL_TOKEN']}"),)
        self.dataset = self._make_training_set(folder)

    def start_replica(self, **settings: str) -> Service:
        """Another svc_train over the same database and, unless the settings say otherwise, the same folder."""
        return self.servers.run_service("svc_train", port=self._ports["replica"], **{**self._quick, **settings})

    def publish(self, body: Mapping[str, Any] | bytes, **headers: str) -> None:
        """What any NATS client does: plain JSON, no Upwell."""
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        publish(self.servers, CLIENT, "train.requested", data, headers)

    def request(self, run_id: str, **changed: Any) -> dict[str, Any]:
        """A good request."""
        good = {"recipe": "series-lm", "dataset": "bumps@1", "model": "bump-detector", "hyperparameters": TINY}
        return {"run_id": run_id, **good, **changed}

    def events(self, subject: str, run_id: str) -> list[dict[str, Any]]:
        """The facts about a run."""
        return [body for body in events_on(self.servers, subject) if body.get("runId") == run_id]

    def the_event(self, subject: str, run_id: str) -> dict[str, Any]:
        """The one fact about a run, once the outbox has published it."""
        found = wait_until(lambda: self.events(subject, run_id), 30, self.train.log_tail)
        assert len(found) == 1, found
        event: dict[str, Any] = found[0]
        return event

    def letter(self, run_id: str) -> str:
        """The reason of the dead letter of a request with this id in its body."""
        found = wait_until(lambda: [why for why, body in self.dead_letters() if run_id.encode() in body], 30)
        assert len(found) == 1, found
        reason: str = found[0]
        return reason

    def dead_letters(self) -> list[tuple[str, bytes]]:
        """Reason and body of all dead requests."""
        letters = stream_messages(self.servers, "DEAD")
        return [(head["upwell-reason"], body) for subject, body, head in letters if subject == "dead.train.requested"]

    def call(self, method: str, request: Any) -> Any:
        """Call svc_train as a person."""
        with grpc.insecure_channel(self.train.address) as channel:
            return getattr(rpc.TrainServiceStub(channel), method)(request, metadata=self.token, timeout=60)

    def story(self, run_id: str, *, after: int = 0) -> list[pb.WatchRunResponse]:
        """What is told of a run that has ended."""
        with grpc.insecure_channel(self.train.address) as channel:
            request = pb.WatchRunRequest(run_id=run_id, after_sequence=after)
            return list(rpc.TrainServiceStub(channel).WatchRun(request, metadata=self.token, timeout=60))

    @contextmanager
    def watching(self, run_id: str) -> Iterator[Future[list[pb.WatchRunResponse]]]:
        """Watch a run beside the block; the future holds what was told, or how the watch ended."""

        first = threading.Event()

        def watch() -> list[pb.WatchRunResponse]:
            told = []
            with grpc.insecure_channel(self.train.address) as channel:
                request = pb.WatchRunRequest(run_id=run_id)
                for answer in rpc.TrainServiceStub(channel).WatchRun(request, metadata=self.token, timeout=60):
                    told.append(answer)
                    first.set()
            return told

        with ThreadPoolExecutor(1) as pool:
            watched = pool.submit(watch)
            assert first.wait(30), "the watch tells what happened so far"
            yield watched

    def cancel_all(self) -> None:
        """Leave nothing to the next test, which needs the only slot."""
        for state in (common.WORK_STATE_QUEUED, common.WORK_STATE_RUNNING):
            for run in self.call("ListRuns", pb.ListRunsRequest(state=state)).runs:
                with suppress(grpc.RpcError):  # it has ended meanwhile
                    self.call("CancelRun", pb.CancelRunRequest(run_id=run.run_id))

    def run(self, run_id: str) -> pb.Run | None:
        """A run; None while it is not recorded."""
        try:
            found: pb.Run = self.call("GetRun", pb.GetRunRequest(run_id=run_id)).run
        except grpc.RpcError as error:
            if error.code() in {grpc.StatusCode.NOT_FOUND, grpc.StatusCode.UNAVAILABLE}:
                return None
            raise
        return found

    def state_of(self, run_id: str) -> int:
        """Where a run stands."""
        run = self.run(run_id)
        assert run is not None
        return run.state

    def child(self) -> psutil.Process:
        """The training process of the service."""
        assert self.train.process is not None
        children = psutil.Process(self.train.process.pid).children()
        (child,) = [child for child in children if "svc_train.child" in child.cmdline()]
        return child

    def wait_for_progress(self, run_id: str, *, attempt: int = 1) -> pb.Run:
        """The run, once its training process has made a step."""

        def trains() -> pb.Run | None:
            run = self.run(run_id)
            assert run is None or run.state not in FINAL, f"ended already: {run}"
            return run if run and run.progress.step and run.progress.attempt == attempt else None

        return wait_until(trains, TRAINS_WITHIN_S, self.train.log_tail)

    def wait_for_end(self, run_id: str) -> pb.Run:
        """The run, once it has ended."""

        def ended() -> pb.Run | None:
            run = self.run(run_id)
            return run if run and run.state in FINAL else None

        return wait_until(ended, TRAINS_WITHIN_S, self.train.log_tail)

    def versions_of(self, model: str) -> list[registry_pb.ModelVersion]:
        """What the registry has under a model's name."""
        with grpc.insecure_channel(self.registry.address) as channel:
            stub = registry_grpc.RegistryServiceStub(channel)
            return list(stub.ListModels(registry_pb.ListModelsRequest(name=model), metadata=self.token).models)

    def _make_training_set(self, folder: Path) -> DatasetVersion:
        folder.mkdir()
        source = ["source/file:bumps.csv"]
        series = self._store(folder / "series.parquet", _series(), "series/v1", _series_meta(), source)
        self._produce("bumps-series", "series/v1", series)
        meta = {"series": [{"name": "bumps-series", "digest": series}], "reviews": {"digest": "0" * 64, "count": 5}}
        parent = dataset_key("bumps-series", series)
        digest = self._store(folder / "segments.parquet", _segments(series), "segments/v1", meta, [parent])
        self._produce("bumps", "segments/v1", digest)
        wait_until(lambda: self._known("bumps-series@1"), 60)
        known: DatasetVersion = wait_until(lambda: self._known("bumps@1"), 60)
        return known

    def _known(self, reference: str) -> DatasetVersion | None:
        try:
            return self.catalogue.dataset(reference)
        except (NotFoundError, UnavailableError):
            return None

    def _store(self, path: Path, table: pa.Table, kind: str, meta: Mapping[str, Any], parents: list[str]) -> str:
        pq.write_table(table, path)
        return self.artifacts.store(kind=kind, files={path.name: path}, meta=meta, parents=parents).digest

    def _produce(self, name: str, kind: str, digest: str) -> None:
        body = {"name": name, "kind": kind, "manifestDigest": digest}
        publish(self.servers, "svc_label", "dataset.produced", json.dumps(body).encode())


def _settings(environment: Mapping[str, str]) -> ServiceSettings:
    fields = {name.removeprefix("UPWELL_").lower(): value for name, value in environment.items()}
    return ServiceSettings(**{name: value for name, value in fields.items() if name in ServiceSettings.model_fields})  # type: ignore[arg-type]


def _series() -> pa.Table:
    values = np.sin(np.arange(ROWS) / 7.0)
    for start in range(40, ROWS, 80):
        values[start : start + 8] += 3.0
    return pa.table({"time": pa.array(range(ROWS), pa.int64()), "level": values})


def _series_meta() -> dict[str, Any]:
    return {"rows": ROWS, "channels": [{"name": "level"}], "time": "index", "start": 0, "end": ROWS - 1}


def _segments(digest: str) -> pa.Table:
    starts = list(range(40, ROWS, 80))
    rows = len(starts)
    return pa.table(
        {
            "series": ["bumps-series"] * rows,
            "series_digest": [digest] * rows,
            "start_row": starts,
            "end_row": [start + 8 for start in starts],
            "start_time": starts,
            "end_time": [start + 7 for start in starts],
            "channel": [""] * rows,
            "label": ["bump"] * rows,
            "confidence": [1.0] * rows,
        }
    )
