"""The use cases and everything around them, with what a test asks of it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sqlmodel import select

from shared.contracts.versions import DatasetVersion
from shared.contracts.work import Failure, Work
from shared.runtime.artifacts import Artifacts
from shared.runtime.database import Database
from shared.runtime.object_store import FolderObjectStore
from shared.runtime.outbox import OutboxRow
from svc_train.adapters.checkpoint_files import ObjectCheckpointFiles
from svc_train.adapters.store import SqlTrainStore
from svc_train.domain.request import RunRequest
from svc_train.domain.run import JournalEntry, Progress
from svc_train.recipes.base import Recipe
from svc_train.use_cases.bases import Bases
from svc_train.use_cases.execute import Execution
from svc_train.use_cases.inputs import Inputs
from svc_train.use_cases.limits import NO_LIMITS
from svc_train.use_cases.parents import Parents
from svc_train.use_cases.requests import start_run
from tests.use_cases.train.fakes import FakeCatalogue, FakeFeed, FakeLauncher, FakeLease, FakeRecipe, FakeShelf

REQUEST = RunRequest(recipe="fake-lm", dataset="labels@1", model="detector", hyperparameters={"max_steps": 2.0})
STEPS = [
    json.dumps({"event": "progress", "step": step, "total_steps": 2, "loss": 1.0 / step, "metrics": {}})
    for step in (1, 2)
]
COMPLETED = '{"event": "completed"}'
RESULT = {
    "family": "fake",
    "metrics": {"f1": 0.5},
    "total_steps": 2,
    "tokens": 64,
    "device": "cpu",
    "versions": {"torch": "2.13.0"},
    "peak_rss_bytes": 1000,
    "wall_seconds": 1.5,
}


class World:
    """svc_train with one recipe, one training set of one series, and a child that succeeds."""

    def __init__(self, root: Path, database: Database) -> None:
        self.root = root
        self.database = database
        self.store = SqlTrainStore(database, source="svc_train")
        self.objects = FolderObjectStore(root / "objects")
        self.artifacts, self.checkpoints = Artifacts(self.objects), ObjectCheckpointFiles(self.objects)
        self.catalogue, self.shelf, self.feed = FakeCatalogue(), FakeShelf(), FakeFeed()
        outputs = {"result.json": json.dumps(RESULT), "bundle/bundle.json": "{}", "bundle/sub/weights": "w"}
        self.launcher = FakeLauncher(script=[*STEPS, COMPLETED], outputs=outputs)
        self.recipes: dict[str, Recipe] = {"fake-lm": FakeRecipe()}
        self.lease = FakeLease()
        self.runs_folder = root / "runs"
        self.series = self.store_file("series/v1", "series.parquet", "values", {"rows": 5})
        meta = {"series": [{"name": "pump", "digest": self.series}]}
        self.register("labels@1", self.store_file("segments/v1", "segments.parquet", "rows", meta))

    def execution(self, **changed: Any) -> Execution:
        """The use case, with parts changed."""
        inputs = Inputs(
            store=self.store,
            catalogue=self.catalogue,
            artifacts=self.artifacts,
            shelf=self.shelf,
            bases_folder=self.root / "bases",
        )
        parts: dict[str, Any] = {
            "store": self.store,
            "artifacts": self.artifacts,
            "inputs": inputs,
            "parents": Parents(store=self.store, catalogue=self.catalogue, artifacts=self.artifacts),
            "checkpoints": self.checkpoints,
            "launcher": self.launcher,
            "feed": self.feed,
            "recipes": self.recipes,
            "runs_folder": self.runs_folder,
            "lease_s": 60.0,
            "limits": NO_LIMITS,
            "build": {"git_commit": "abc"},
        }
        return Execution(**{**parts, **changed})

    def bases(self, *, hub: bool = False) -> Bases:
        """The use case that adds bases."""
        return Bases(store=self.store, artifacts=self.artifacts, shelf=self.shelf, folder=self.root / "adding", hub=hub)

    def store_file(self, kind: str, path: str, content: str, meta: Mapping[str, Any]) -> str:
        """The digest of an artifact of one file."""
        file = self.root / "file"
        file.write_text(content)
        return self.artifacts.store(kind=kind, files={path: file}, meta=meta, parents=()).digest

    def register(self, reference: str, digest: str, kind: str = "segments/v1") -> DatasetVersion:
        """Make a dataset version known to the registry."""
        name, _, version = reference.partition("@")
        self.catalogue.datasets[reference] = DatasetVersion(name=name, digest=digest, version=int(version), kind=kind)
        return self.catalogue.datasets[reference]

    def start(self, request: RunRequest = REQUEST, run_id: str = "run-1") -> None:
        """Record a run."""
        start_run(self.store, self.recipes, request, run_id=run_id)

    def claim(self) -> Work:
        """Claim the next run."""
        with self.store.transaction() as tx:
            work = tx.work.claim(lease_s=60)
        assert work is not None
        return work

    def claimed(self, request: RunRequest = REQUEST) -> Work:
        """Record a run and claim it."""
        self.start(request)
        return self.claim()

    def release(self, work: Work) -> None:
        """What becomes of an attempt that failed and may be tried again."""
        with self.store.transaction() as tx:
            tx.work.release(work.id, work.attempt, delay_s=0, waiting_for="", spent=True, excused=False)

    def work(self, run_id: str = "run-1") -> Work:
        """The recorded work."""
        with self.store.reading() as tx:
            return tx.work.get(run_id)

    def journal(self, run_id: str = "run-1") -> list[JournalEntry]:
        """What happened."""
        with self.store.reading() as tx:
            return [entry for _, entry in tx.journal.after(run_id, 0, limit=10_000)]

    def steps(self, run_id: str = "run-1") -> list[int]:
        """The steps that were reported."""
        return [entry.happened.step for entry in self.journal(run_id) if isinstance(entry.happened, Progress)]

    def events(self, subject: str) -> list[dict[str, Any]]:
        """Bodies of what waits to be published on a subject."""
        with self.database.reading() as session:
            rows = session.exec(select(OutboxRow).order_by(OutboxRow.id)).all()  # type: ignore[arg-type]
        return [json.loads(row.body) for row in rows if row.subject == subject]

    def subjects(self) -> list[str]:
        """Subjects of what waits to be published."""
        with self.database.reading() as session:
            return [row.subject for row in session.exec(select(OutboxRow).order_by(OutboxRow.id))]  # type: ignore[arg-type]


def failure_of(error: Exception) -> Failure:
    """What the error says a person shall be told."""
    failure = error.failure  # type: ignore[attr-defined]
    assert isinstance(failure, Failure)
    return failure
