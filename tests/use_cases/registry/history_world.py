"""A catalogue over temporary storage, into which histories are imported and runs of ours are registered."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlmodel import select

from shared.contracts.versions import BaseVersion, DatasetVersion, ModelRef
from shared.runtime.artifacts import Artifacts
from shared.runtime.database import Database
from shared.runtime.migrations import migrate
from shared.runtime.object_store import FolderObjectStore
from shared.runtime.outbox import OutboxRow
from svc_registry.adapters.store import SqlRegistryStore
from svc_registry.bootstrap import MIGRATIONS
from svc_registry.domain.comparison import Comparison
from svc_registry.domain.history import ImportResult
from svc_registry.domain.records import NewModel
from svc_registry.use_cases import comparing, histories, importing, registering
from tests.support.histories import contents


class World:
    """A catalogue over temporary storage."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.database = Database(f"sqlite:///{root / 'registry.db'}", schema="svc_registry")
        migrate(self.database, MIGRATIONS)
        self.store = SqlRegistryStore(self.database, source="svc_registry")
        self.artifacts = Artifacts(FolderObjectStore(root / "objects"))

    def take(self, tree: Mapping[str, Any], **digests: str) -> dict[str, ImportResult]:
        """Import a tree in one call; the result of each path."""
        files = [
            importing.SentFile(path=path, content=content, checkpoint_digest=digests.get(path, ""))
            for path, content in contents(tree).items()
        ]
        results = importing.import_histories(self.store, self.artifacts, files, imported_by="vera")
        return {result.path: result for result in results}

    def export(self, model: str = "", *, page: int = 2) -> dict[str, Any]:
        """Every page of an export."""
        found: dict[str, Any] = {}
        place: histories.Place | None = histories.Place()
        while place:
            files, place = histories.export_page(self.store, model=model, after=place, limit=page)
            assert len(files) <= page
            assert not found.keys() & {path for path, _ in files}
            found |= {path: json.loads(text) for path, text in files}
        return found

    def document(self, reference: str) -> Mapping[str, Any]:
        return histories.history_of(self.store, reference)[1]

    def chain(self, reference: str) -> list[tuple[str, str, int]]:
        """(version, stage, steps up to it) of each version of a chain."""
        chain, _ = histories.history_of(self.store, reference)
        return [(f"{r.made.name}@{r.version}", r.made.stage, total) for r, total in chain.with_total_steps()]

    def compare(self, *references: str) -> Comparison:
        return comparing.compare_models(self.store, references)

    def train(self, run_id: str, *, name: str = "detector", parent: ModelRef | None = None, **changed: Any) -> ModelRef:
        """A version of a run of ours."""
        file = self.root / "file"
        file.write_text(run_id)
        bundle = self.artifacts.store(kind="bundle/v1", files={"f": file}, meta={}, parents=())
        values: dict[str, Any] = {
            "dataset": DatasetVersion(name="labels", digest="d" * 64, version=2),
            "metrics": {"f1": 0.5},
            "hyperparameters": {"max_steps": 10, "method": "lora"},
            "total_steps": 10,
            "started_at": datetime(2026, 4, 1, 8, tzinfo=UTC),
            "finished_at": datetime(2026, 4, 1, 9, tzinfo=UTC),
            **changed,
        }
        made = NewModel(
            name=name,
            run_id=run_id,
            recipe="text-sft",
            bundle_digest=bundle.digest,
            base=BaseVersion(name="tiny-qwen", digest="b" * 64),
            parent=parent,
            **values,
        )
        registering.register_model(self.store, self.artifacts, made)
        with self.store.reading() as tx:
            record = tx.models.by_run(run_id)
        assert record
        return ModelRef(name=name, version=record.version, run_id=run_id)

    def objects(self) -> int:
        """How many objects are stored."""
        return sum(path.is_file() for path in (self.root / "objects").rglob("*"))

    def registered(self) -> int:
        """How many versions were announced."""
        with self.database.reading() as session:
            return len([row for row in session.exec(select(OutboxRow)) if row.subject == "model.registered"])


def outcomes(results: Mapping[str, ImportResult]) -> set[tuple[bool, bool, int]]:
    return {(result.is_new, result.is_changed, result.new_versions) for result in results.values()}


def wrong(result: ImportResult) -> list[str]:
    return [violation.field for violation in result.wrong]
