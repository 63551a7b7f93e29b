"""svc_registry on real servers, makers who speak on the bus, and a client with no secret of the object store."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

from google.protobuf.message import Message

from shared.contracts.manifest import Manifest
from shared.runtime.artifacts import Artifacts, blob_key
from shared.runtime.database import Database
from shared.runtime.envelope import encode
from shared.runtime.object_store import object_store_for
from svc_registry.settings import RegistrySettings
from tests.support.bus import publish
from tests.support.servers import Servers, wait_until
from upwell.client import Connection, Upwell, UpwellClientError
from upwell.common.v1 import common_pb2 as common
from upwell.events import INFER, INGEST, REGISTRY, TRAIN
from upwell.infer.v1 import events_pb2 as infer
from upwell.registry.v1 import events_pb2 as registry
from upwell.train.v1 import events_pb2 as train

T = TypeVar("T")
WITHIN_S = 20.0
BUNDLE_INFO = {
    "schema": "upwell.bundle/v1",
    "family": "series",
    "recipe": "series-lm",
    "metrics": {"f1": 0.5},
    "hyperparameters": {"max_steps": 3},
}


class World:
    """See the module."""

    def __init__(self, servers: Servers, root: Path) -> None:
        self.servers = servers
        self.root = root
        fields = {key.removeprefix("UPWELL_").lower(): value for key, value in servers.environment(REGISTRY).items()}
        known = {name: value for name, value in fields.items() if name in RegistrySettings.model_fields}
        self.settings = RegistrySettings(**known)  # type: ignore[arg-type]
        self.objects = object_store_for(self.settings)
        self.objects.ensure_bucket()
        self.artifacts = Artifacts(self.objects)
        self.service = servers.run_service(REGISTRY)

    @property
    def database_file(self) -> Path:
        return self.settings.data_dir / "svc_registry.db"

    def database(self) -> Database:
        return Database(f"sqlite:///{self.database_file}", schema="svc_registry")

    def ask(self, work: Callable[[Upwell], Awaitable[T]]) -> T:
        """Something of the client."""

        async def session() -> T:
            async with Upwell.connect(Connection.from_environment(self.servers.client_environment)) as upwell:
                return await work(upwell)

        return asyncio.run(session())

    def once(self, work: Callable[[Upwell], Awaitable[T]]) -> T:
        """The answer, once what was asked for is there."""

        def answer() -> T | None:
            try:
                return self.ask(work)
            except UpwellClientError as error:
                if error.code != "NOT_FOUND":
                    raise
                return None

        return wait_until(answer, WITHIN_S, self.service.log_tail)

    def tell(self, service: str, message: Message, *, key: str) -> None:
        """What a service says on the bus."""
        outgoing = encode(message, key=key, source=service)
        publish(self.servers, service, outgoing.subject, outgoing.body, outgoing.headers)

    def stored(self, kind: str, files: dict[str, bytes], **more: Any) -> Manifest:
        """A manifest and its files, put there as makers do."""
        folder = self.root / "made"
        folder.mkdir(exist_ok=True)
        paths = {}
        for number, (path, data) in enumerate(files.items()):
            paths[path] = folder / str(number)
            paths[path].write_bytes(data)
        return self.artifacts.store(kind=kind, files=paths, meta=more.get("meta", {}), parents=more.get("parents", ()))

    def dataset(self, name: str, files: dict[str, bytes], **more: Any) -> Manifest:
        """A dataset version that the registry has numbered."""
        made = self.stored(more.pop("kind", "series/v1"), files, **more)
        produced = registry.DatasetProduced(
            name=name, kind=made.kind, manifest_digest=made.digest, producer="svc_ingest/job"
        )
        self.tell(INGEST, produced, key=f"{name}/{made.digest}")
        ref = common.DatasetRef(name=name, manifest_digest=made.digest)
        self.once(lambda upwell: upwell.registry.produced_dataset(ref))
        return made

    def base(self, name: str, files: dict[str, bytes]) -> Manifest:
        """A base that the registry knows."""
        made = self.stored("base/v1", files)
        self.tell(TRAIN, registry.BaseProduced(name=name, manifest_digest=made.digest), key=made.digest)
        self.once(lambda upwell: upwell.registry.base(made.digest))
        return made

    def model(self, name: str, run_id: str, dataset: common.DatasetRef, base: common.BaseRef) -> Manifest:
        """A model version that a run made."""
        made = self.stored("bundle/v1", {"bundle.json": run_id.encode()})
        said = train.TrainCompleted(
            run_id=run_id, recipe="series-lm", model=name, bundle_digest=made.digest, dataset=dataset, base=base
        )
        said.metrics["f1"] = 0.25
        said.hyperparameters.update({"max_steps": 3})
        said.finished_at.GetCurrentTime()
        self.tell(TRAIN, said, key=run_id)
        self.once(lambda upwell: upwell.registry.trained_model(run_id))
        return made

    def prediction(self, job_id: str, dataset: common.DatasetRef, model: common.ModelRef) -> None:
        self.tell(INFER, infer.InferCompleted(job_id=job_id, dataset=dataset, model=model), key=job_id)
        self.once(lambda upwell: upwell.lineage.ancestors(f"prediction/{job_id}"))

    def bundle_folder(self, name: str, base: common.BaseRef, *, method: str = "lora", weights: bytes = b"w") -> Path:
        """A bundle as somebody has it on disk, without what only torch could check."""
        folder = self.root / name
        (folder / ".cache").mkdir(parents=True)
        (folder / ".cache" / "left at home").write_text("x")
        info = {**BUNDLE_INFO, "method": method, "base": {"name": base.name, "digest": base.digest}}
        (folder / "bundle.json").write_text(json.dumps(info))
        (folder / "certificate.json").write_text("{}")
        (folder / "adapter.safetensors").write_bytes(weights)
        return folder

    def damage(self, digest: str) -> None:
        """Change one byte of a blob."""
        data = bytearray(self.objects.get_bytes(blob_key(digest), max_bytes=2**30))
        data[len(data) // 2] ^= 1
        self.objects.put_bytes(blob_key(digest), bytes(data))

    def rebuild(self, *options: str) -> subprocess.CompletedProcess[str]:
        """`python -m svc_registry.rebuild` with the service's own settings."""
        return subprocess.run(
            [sys.executable, "-m", "svc_registry.rebuild", *options],
            env=self.servers.environment(REGISTRY),
            capture_output=True,
            text=True,
            check=False,
        )
