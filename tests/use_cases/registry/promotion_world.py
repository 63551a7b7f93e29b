"""A catalogue with models to promote, over SQLite."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from sqlmodel import select

from shared.contracts.lineage import dataset_key
from shared.contracts.versions import BaseVersion, DatasetVersion, ModelRef
from shared.runtime.artifacts import Artifacts
from shared.runtime.database import Database
from shared.runtime.migrations import migrate
from shared.runtime.object_store import FolderObjectStore
from shared.runtime.outbox import OutboxRow
from svc_registry.adapters.store import SqlRegistryStore
from svc_registry.bootstrap import MIGRATIONS
from svc_registry.domain.gates import Comparison, Condition
from svc_registry.domain.records import AliasMove, ModelRecord, NewModel
from svc_registry.use_cases import gates, promoting, registering

F1_OF_06 = Condition(metric="f1", comparison=Comparison.AT_LEAST, value=0.6)


class PromotionWorld:
    """Registers, promotes, and reads what was announced."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.database = Database(f"sqlite:///{root / 'registry.db'}", schema="svc_registry")
        migrate(self.database, MIGRATIONS)
        self.store = SqlRegistryStore(self.database, source="svc_registry")
        self.artifacts = Artifacts(FolderObjectStore(root / "objects"))

    def manifest(self, content: str, *, kind: str, parents: tuple[str, ...] = ()) -> str:
        file = self.root / "file"
        file.write_text(content)
        return self.artifacts.store(kind=kind, files={"f": file}, meta={}, parents=parents).digest

    def dataset(self, name: str, content: str, *parents: DatasetVersion) -> DatasetVersion:
        """A version; registered or refused."""
        keys = tuple(dataset_key(parent.name, parent.digest) for parent in parents)
        digest = self.manifest(content, kind="series/v1", parents=keys)
        registering.register_dataset(
            self.store, self.artifacts, name=name, kind="series/v1", digest=digest, producer="test"
        )
        with self.store.reading() as tx:
            record = tx.datasets.find(name, digest)
        return DatasetVersion(name=name, digest=digest, version=record.version if record else 0)

    def model(
        self,
        run_id: str,
        *,
        name: str = "detector",
        dataset: DatasetVersion | None = None,
        parent: ModelRef | None = None,
        **metrics: float,
    ) -> ModelRecord:
        """A registered version."""
        made = NewModel(
            name=name,
            run_id=run_id,
            recipe="series-lm",
            bundle_digest=self.manifest(f"bundle {run_id}", kind="bundle/v1"),
            base=BaseVersion(name="tiny-qwen", digest="b" * 64),
            dataset=dataset or DatasetVersion(name="labels", digest="d" * 64, version=1),
            metrics=metrics,
            parent=parent,
        )
        registering.register_model(self.store, self.artifacts, made)
        with self.store.reading() as tx:
            record = tx.models.by_run(run_id)
        assert record is not None
        return record

    def promote(self, version: int, *, alias: str = "champion", reason: str = "", force: bool = False) -> AliasMove:
        return promoting.promote(
            self.store, name="detector", version=version, alias=alias, moved_by="安娜", reason=reason, force=force
        )

    def roll_back(self, reason: str = "", *, from_version: int = 0) -> AliasMove:
        return promoting.roll_back(
            self.store, name="detector", alias="champion", moved_by="ben", reason=reason, from_version=from_version
        )

    def gate(self, *conditions: Condition) -> None:
        gates.set_gate(self.store, model="detector", alias="champion", conditions=conditions, set_by="root")

    def ledger(self) -> list[tuple[str, int, int]]:
        """Kind, from and to, oldest first."""
        with self.store.reading() as tx:
            entries = list(tx.ledger.page("detector", alias="", limit=100))[::-1]
        return [(entry.kind, entry.from_version, entry.to_version) for entry in entries]

    def champion(self) -> int:
        """The version that serves; 0 for none."""
        with self.store.reading() as tx:
            record = tx.models.named("detector", "champion")
        return record.version if record else 0

    def events(self, subject: str) -> list[dict[str, Any]]:
        with self.database.reading() as session:
            rows = session.exec(select(OutboxRow).order_by(OutboxRow.id)).all()  # type: ignore[arg-type]
        return [json.loads(row.body) for row in rows if row.subject == subject]
