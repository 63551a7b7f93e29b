"""Series in a real object store, known to a real registry, and what tests do with labelling jobs."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import grpc
import numpy as np

from shared.contracts.kinds import Kind
from shared.contracts.series import SERIES_FILE, TIME_INDEX
from shared.contracts.versions import DatasetVersion
from shared.errors import NotFoundError
from shared.runtime.artifacts import Artifacts
from shared.runtime.catalogue import RegistryCatalogue
from shared.runtime.object_store import object_store_for
from shared.runtime.settings import ServiceSettings
from svc_label.adapters.stored_series import write_series
from svc_label.labelers.base import SeriesFrame
from tests.support.bus import events_on, publish, stream_messages
from tests.support.servers import Servers, Service, wait_until
from upwell.common.v1 import common_pb2 as common
from upwell.label.v1 import label_service_pb2 as pb
from upwell.label.v1 import label_service_pb2_grpc as rpc
from upwell.local.ports import choose_ports
from upwell.permissions import CLIENT
from upwell.registry.v1 import lineage_service_pb2 as lineage_pb
from upwell.registry.v1 import lineage_service_pb2_grpc as lineage_rpc

FINAL = {common.WORK_STATE_COMPLETED, common.WORK_STATE_FAILED, common.WORK_STATE_CANCELLED}
SPIKES = (100, 400, 700)
# Takes some seconds on the long series: enough to be met in the middle.
SLOW = {"labeler": "subsequence-pca", "parameters": {"windows": [512]}}


class World:
    """Real servers, svc_registry and svc_label, and two series: `spikes`, and `long`, which takes a while."""

    def __init__(self, servers: Servers, folder: Path) -> None:
        self.servers = servers
        self._folder = folder
        # Other tests run these services at their own ports, over the same servers.
        self._ports = choose_ports(("registry", "label", "replica"), {})
        self._quick = {
            "UPWELL_REGISTRY_ADDRESS": f"127.0.0.1:{self._ports['registry']}",
            "UPWELL_LEASE_SECONDS": "3",
            "UPWELL_PATIENCE_SECONDS": "6",
            "UPWELL_DRAIN_SECONDS": "5",
            "OMP_NUM_THREADS": "1",
        }
        self.registry = servers.run_service("svc_registry", port=self._ports["registry"])
        self.label = servers.run_service("svc_label", port=self._ports["label"], **self._quick)
        settings = _settings(servers.environment("svc_label", **self._quick))
        self.artifacts = Artifacts(object_store_for(settings))
        self.catalogue = RegistryCatalogue(settings)
        self._token = (("authorization", f"Bearer {servers.client_environment['UPWELL_TOKEN']}"),)
        self.spikes = self.register("spikes", self.store_series(_spikes(1000), "spikes"))
        self.register("long", self.store_series(_spikes(150_000), "long"))

    def start_replica(self) -> Service:
        """Another svc_label over the same database and folder."""
        return self.servers.run_service("svc_label", port=self._ports["replica"], **self._quick)

    def store_series(self, values: np.ndarray, name: str) -> str:
        """The digest of a stored series; nobody is told."""
        frame = SeriesFrame(time=np.arange(len(values)), values=values[:, None], channels=("level",))
        path = self._folder / SERIES_FILE
        write_series(frame, TIME_INDEX, path)
        meta = {
            "rows": len(values),
            "channels": [{"name": "level"}],
            "time": TIME_INDEX,
            "start": 0,
            "end": len(values) - 1,
        }
        files, source = {SERIES_FILE: path}, f"source/file:{name}.csv"
        return self.artifacts.store(kind=Kind.SERIES, files=files, meta=meta, parents=[source]).digest

    def register(self, name: str, digest: str) -> DatasetVersion:
        """Tell the registry of a series and wait until it is known."""
        body = {"name": name, "kind": Kind.SERIES, "manifestDigest": digest}
        publish(self.servers, "svc_ingest", "dataset.produced", json.dumps(body).encode())
        return self.registered(name, digest)

    def registered(self, name: str, digest: str) -> DatasetVersion:
        """The version, once the registry has numbered it."""

        def known() -> DatasetVersion | None:
            try:
                return self.catalogue.dataset_by_digest(name, digest)
            except NotFoundError:
                return None

        version: DatasetVersion = wait_until(known, 30, self.registry.log_tail)
        return version

    def publish(self, body: Mapping[str, Any], subject: str = "label.requested", user: str = CLIENT) -> None:
        """What any NATS client does: plain JSON, no Upwell."""
        publish(self.servers, user, subject, json.dumps(body).encode())

    def publish_raw(self, body: bytes, headers: Mapping[str, str]) -> None:
        """Publish a request with headers of its own."""
        publish(self.servers, CLIENT, "label.requested", body, headers)

    def jobs_of(self, dataset: str) -> Sequence[pb.LabelJob]:
        """The jobs that asked for a dataset in these words."""
        jobs: Sequence[pb.LabelJob] = self.call("ListJobs", pb.ListJobsRequest(page_size=1000)).jobs
        return [job for job in jobs if job.dataset == dataset]

    def call(self, method: str, request: Any, *, service: Service | None = None) -> Any:
        """Call svc_label as a person."""
        with grpc.insecure_channel((service or self.label).address) as channel:
            return getattr(rpc.LabelServiceStub(channel), method)(request, metadata=self._token, timeout=30)

    def job(self, job_id: str) -> pb.LabelJob | None:
        """A job; None while it is not recorded."""
        try:
            found: pb.LabelJob = self.call("GetJob", pb.GetJobRequest(job_id=job_id)).job
        except grpc.RpcError as error:
            if error.code() in {grpc.StatusCode.NOT_FOUND, grpc.StatusCode.UNAVAILABLE}:
                return None
            raise
        return found

    def wait_for_state(self, job_id: str, *states: common.WorkState.ValueType) -> pb.LabelJob:
        """The job, once it is in one of the states."""

        def there() -> pb.LabelJob | None:
            job = self.job(job_id)
            return job if job and job.state in states else None

        found: pb.LabelJob = wait_until(there, 40, self.label.log_tail)
        return found

    def wait_for_end(self, job_id: str) -> pb.LabelJob:
        """The job, completed."""
        job = self.wait_for_state(job_id, *FINAL)
        assert job.state == common.WORK_STATE_COMPLETED, job.failure
        return job

    def candidates(self, dataset: str, labeler: str = "") -> Sequence[pb.Candidate]:
        """All candidates of a dataset, best first."""
        wanted = pb.CandidateFilter(dataset=dataset, labeler=labeler)
        answer = self.call("ListCandidates", pb.ListCandidatesRequest(filter=wanted, limit=1000))
        found: Sequence[pb.Candidate] = answer.candidates
        return found

    def ancestors(self, node: str) -> Mapping[str, str]:
        """Node key -> label, of everything a node was made from."""
        with grpc.insecure_channel(self.registry.address) as channel:
            stub = lineage_rpc.LineageServiceStub(channel)
            graph = stub.GetLineage(lineage_pb.GetLineageRequest(node=node), metadata=self._token, timeout=10)
        return {found.key: found.label for found in graph.nodes}

    def events(self, subject: str, job_id: str) -> list[dict[str, Any]]:
        """The facts about a job."""
        return [body for body in events_on(self.servers, subject) if body.get("jobId") == job_id]

    def the_event(self, subject: str, job_id: str) -> dict[str, Any]:
        """The one fact about a job, once the outbox has published it."""
        found = wait_until(lambda: self.events(subject, job_id), 30, self.label.log_tail)
        assert len(found) == 1, found
        event: dict[str, Any] = found[0]
        return event

    def dead_letters(self, subject: str) -> list[tuple[str, bytes]]:
        """Reason and body of what died on a subject."""
        letters = stream_messages(self.servers, "DEAD")
        return [(head["upwell-reason"], body) for found, body, head in letters if found == f"dead.{subject}"]

    def log_of(self, service: Service) -> str:
        """All a service has written."""
        return self.servers.folder.log(f"svc_label-{service.port}").read_text()


def _settings(environment: Mapping[str, str]) -> ServiceSettings:
    fields = {name.removeprefix("UPWELL_").lower(): value for name, value in environment.items()}
    return ServiceSettings(**{name: value for name, value in fields.items() if name in ServiceSettings.model_fields})  # type: ignore[arg-type]


def _spikes(rows: int) -> np.ndarray:
    """A sine with noise and three spikes."""
    values = np.sin(np.arange(rows) / 8.0) + np.random.default_rng(0).normal(scale=0.05, size=rows)
    values[list(SPIKES)] += 6.0
    return values
