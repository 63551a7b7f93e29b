"""A small catalogue with something in every table, and the log of what was announced of it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from sqlmodel import select

from shared.contracts.canonical import sha256_hex
from shared.contracts.versions import DatasetVersion
from shared.errors import InvalidInputError, StateError
from shared.runtime.artifacts import Artifacts
from shared.runtime.database import Database
from shared.runtime.envelope import encode
from shared.runtime.migrations import migrate
from shared.runtime.outbox import OutboxRow
from svc_registry.adapters.event_log import SOURCES, read_fact
from svc_registry.adapters.store import SqlRegistryStore
from svc_registry.bootstrap import MIGRATIONS
from svc_registry.domain.events import ModelSigned
from svc_registry.domain.gates import Comparison, Condition
from svc_registry.use_cases import copying, deleting, gates, importing, promoting, registering
from svc_registry.use_cases.histories import history_of
from svc_registry.wire.reports import new_model, new_prediction
from tests.support.histories import FIRST, SECOND, entry, info
from upwell.common.v1 import common_pb2 as common
from upwell.events import BY_MESSAGE
from upwell.infer.v1 import events_pb2 as infer
from upwell.train.v1 import events_pb2 as train


class Catalogue:
    """Registers through the use cases and remembers every event, as the streams would."""

    def __init__(self, database: Database, artifacts: Artifacts, folder: Path) -> None:
        migrate(database, MIGRATIONS)
        self.database = database
        self.artifacts = artifacts
        self.store = SqlRegistryStore(database, source="svc_registry")
        self._folder = folder
        self._told: list[tuple[str, bytes]] = []

    def fill(self) -> None:
        """Datasets with parents, a base, models in a chain, moved aliases, a prediction."""
        series = self.dataset("泵-7", "one", parents=("source/file:泵.csv",))
        self.dataset("泵-7", "two")
        labels = self.dataset(
            "labels",
            "three",
            kind="segments/v1",
            parents=(series.key, f"reviews/{'r' * 64}"),
            files={"reviews.parquet": self.reviews()},
        )
        base = self.artifacts.store(
            kind="base/v1", files={"config.json": self.file("{}")}, meta={"hidden": 8}, parents=()
        )
        registering.register_base(self.store, self.artifacts, name="tiny", digest=base.digest)
        for number in (1, 2, 3):
            self.model(f"run-{number}", labels, base.digest, parent=f"run-{number - 1}" if number > 1 else "")
        for version, reason in ((1, "first"), (3, "besser"), (2, "zurück")):
            promoting.promote(
                self.store, name="detector", version=version, alias="champion", moved_by="anna", reason=reason
            )
        promoting.promote(self.store, name="detector", version=3, alias="challenger", moved_by="li", reason="")
        self.predict("job-1", series)
        self.mark()
        self.histories()

    def histories(self) -> None:
        """A chain in two imported files, one that goes on from a run of ours, one that grew, a late checkpoint."""
        checkpoint = self.artifacts.store(kind="checkpoint/v1", files={"f": self.file("w")}, meta={}, parents=())
        _, own = history_of(self.store, "detector@1")
        trained = [*own["training_history"], entry("mehr", 5)]
        self.take("一/training_info.json", info("文档", [FIRST]))
        self.take("b/training_info.json", info("features", [FIRST, SECOND], stage="features"), checkpoint.digest)
        self.take("own/training_info.json", info("after ours", trained, base_model=own["base_model"], stage=None))
        self.take("一/training_info.json", info("文档", [FIRST, entry("more", 7)], stage="stage2"))
        self.take("一/training_info.json", info("文档", [FIRST, entry("more", 7)], stage="stage2"), checkpoint.digest)

    def take(self, path: str, document: Mapping[str, Any], checkpoint_digest: str = "") -> None:
        """Import a file, which changes something."""
        file = importing.SentFile(path=path, content=json.dumps(document).encode(), checkpoint_digest=checkpoint_digest)
        (result,) = importing.import_histories(self.store, self.artifacts, [file], imported_by="丽塔")
        assert result.is_changed, result

    def mark(self) -> None:
        """A gate that refused and was forced, aliases rolled back and cleared, a copy, a signature, deletions."""
        condition = Condition(metric="f1", comparison=Comparison.AT_LEAST, value=0.3)
        gates.set_gate(self.store, model="detector", alias="champion", conditions=[condition], set_by="root")
        gates.set_gate(self.store, model="detector", alias="gone", conditions=[condition], set_by="root")
        gates.delete_gate(self.store, model="detector", alias="gone", deleted_by="root")
        of = {"name": "detector", "alias": "champion", "moved_by": "anna"}
        with suppress(StateError):
            promoting.promote(self.store, version=1, reason="versuch", **of)
        promoting.promote(self.store, version=1, reason="", force=True, **of)
        promoting.roll_back(self.store, reason="报警", **of)
        for alias in ("challenger", "canary"):
            promoting.promote(self.store, name="detector", version=3, alias=alias, moved_by="li", reason="")
            promoting.clear_alias(self.store, name="detector", alias=alias, moved_by="li", reason="aus")
        promoting.promote(self.store, name="detector", version=3, alias="challenger", moved_by="li", reason="wieder")
        copy = copying.copy_model(self.store, "detector@3", "副本")
        with self.store.transaction() as tx:
            digest = copy.made.bundle_digest
            kept, _ = tx.signatures.add(digest, key="qa", value="AAAA", signed_by="anna")
            tx.outbox.add(ModelSigned(model=copy.ref, bundle_digest=digest, signature=kept))
        deleting.delete_model(self.store, name="副本", version=1, deleted_by="anna", reason="doppelt")
        deleting.delete_dataset(self.store, name="泵-7", version=2, deleted_by="anna", reason="私密")

    def dataset(self, name: str, content: str, *, kind: str = "series/v1", parents: tuple[str, ...] = (), files=None):
        meta = {"rows": len(content), "channels": [{"name": "温度", "step": 0.5}]}
        made = self.artifacts.store(
            kind=kind, files={"f": self.file(content), **(files or {})}, meta=meta, parents=parents
        )
        registering.register_dataset(
            self.store, self.artifacts, name=name, kind=kind, digest=made.digest, producer=f"svc_ingest/{content}"
        )
        return DatasetVersion(name=name, digest=made.digest)

    def model(self, run_id: str, dataset: DatasetVersion, base: str, *, parent: str = "") -> None:
        bundle = self.artifacts.store(
            kind="bundle/v1", files={"bundle.json": self.file(run_id)}, meta={}, parents=(dataset.key,)
        )
        said = train.TrainCompleted(
            run_id=run_id,
            recipe="series-lm",
            model="detector",
            bundle_digest=bundle.digest,
            dataset=common.DatasetRef(name=dataset.name, version=1, manifest_digest=dataset.digest),
            base=common.BaseRef(name="tiny", digest=base),
            metrics={"f1": 0.25, "nothing": float("nan")},
            stage="stage1",
            total_steps=7,
            epochs=1.5,
            tokens=2**40,
            environment={"device": "cpu"},
        )
        said.hyperparameters.update({"steps": 10, "nested": {"rate": [0.5, None]}})
        said.finished_at.FromDatetime(datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC))
        if parent:
            said.parent.name, said.parent.version, said.parent.run_id = "detector", int(parent[-1]), parent
        self.tell(said, key=run_id)
        registering.register_model(self.store, self.artifacts, new_model(said))

    def predict(self, job_id: str, dataset: DatasetVersion) -> None:
        said = infer.InferCompleted(
            job_id=job_id,
            dataset=common.DatasetRef(name=dataset.name, version=1, manifest_digest=dataset.digest),
            model=common.ModelRef(name="detector", version=2, run_id="run-2"),
        )
        said.finished_at.FromDatetime(datetime(2026, 1, 2, 4, tzinfo=UTC))
        self.tell(said, key=job_id)
        registering.record_prediction(self.store, new_prediction(said))

    def tell(self, message: Any, *, key: str) -> None:
        """What another service says."""
        outgoing = encode(message, key=key, source="test")
        self._told.append((outgoing.subject, outgoing.body))

    def publish(self) -> None:
        """Empty the outbox into the streams."""
        with self.database.transaction() as session:
            for row in session.exec(select(OutboxRow).order_by(OutboxRow.id)).all():  # type: ignore[arg-type]
                self._told.append((row.subject, row.body))
                session.delete(row)

    def facts(self, kind: type[Any], *, unread: Callable[[str], None]) -> Iterator[Any]:
        """The `EventLog` port over what was told."""
        event = BY_MESSAGE[SOURCES[kind].message]
        for subject, body in list(self._told):
            if subject != event.subject:
                continue
            try:
                yield read_fact(kind, body, None, datetime(2026, 1, 1, tzinfo=UTC))
            except InvalidInputError as error:
                unread(str(error))

    def reviews(self) -> Path:
        """A review file as svc_label writes it, of its columns those that the catalogue reads."""
        path = self._folder / "reviews.parquet"
        columns = {"candidate_id": ["c1", "c2"], "reviewer": ["丽塔", "li"], "decision": ["approved", "corrected"]}
        pq.write_table(pa.table(columns), path)
        return path

    def file(self, content: str) -> Path:
        path = self._folder / sha256_hex(content.encode())
        path.write_text(content)
        return path
