"""A catalogue over temporary storage, with exports as svc_label writes them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from shared.contracts.lineage import prediction_key
from shared.contracts.series import Segment
from shared.contracts.versions import BaseVersion, DatasetVersion, ModelRef
from shared.runtime.artifacts import Artifacts, blob_key
from shared.runtime.database import Database
from shared.runtime.migrations import migrate
from shared.runtime.object_store import FolderObjectStore
from svc_label.adapters.scratch import Scratch
from svc_label.adapters.stored_exports import ArtifactExports
from svc_label.domain.candidates import Candidate
from svc_label.domain.exports import ApprovedClaim, Export, in_order
from svc_label.domain.reviews import Decision, Review
from svc_registry.adapters.reviews_file import ParquetReviews
from svc_registry.adapters.store import SqlRegistryStore
from svc_registry.bootstrap import MIGRATIONS
from svc_registry.domain.records import NewModel, NewPrediction
from svc_registry.use_cases import registering
from svc_registry.use_cases.lineage import TrainedModels, find_trained_models
from svc_registry.use_cases.reviewing import ReviewIndexing

MOMENT = datetime(2026, 11, 27, 8, tzinfo=UTC)


def candidate(series: DatasetVersion, row: int) -> Candidate:
    """The candidate that claims one row of a series."""
    segment = Segment(start_row=row, end_row=row + 1, start_time=row, end_time=row, confidence=0.5)
    return Candidate(dataset_name=series.name, dataset_digest=series.digest, labeler="robust", segment=segment)


class World:
    """Makes things as the services do, and registers them."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.objects = FolderObjectStore(root / "objects")
        self.artifacts = Artifacts(self.objects)
        self.database = Database(f"sqlite:///{root / 'registry.db'}", schema="svc_registry")
        migrate(self.database, MIGRATIONS)
        self.store = SqlRegistryStore(self.database, source="svc_registry")
        self.indexing = ReviewIndexing(
            store=self.store, artifacts=self.artifacts, files=ParquetReviews(self.artifacts, root / "scratch")
        )
        self.exports = ArtifactExports(self.artifacts, Scratch(root / "label"))

    def series(self, name: str, source: str) -> DatasetVersion:
        """A registered series that came from a source (a node's key)."""
        file = self.root / "series.parquet"
        file.write_text(f"{name} from {source}")
        meta = {"rows": 3, "channels": [{"name": "温度"}]}
        made = self.artifacts.store(kind="series/v1", files={"series.parquet": file}, meta=meta, parents=[source])
        return self.register(name, made.digest, kind="series/v1")

    def export(
        self, name: str, series: DatasetVersion, approved: Mapping[str, Sequence[int]], *, origin: str = ""
    ) -> DatasetVersion:
        """A registered export of the rows that each reviewer approved; not indexed yet."""
        claims = [
            ApprovedClaim(
                candidate=claimed,
                review=Review(
                    id=f"review-{reviewer}-{row}",
                    candidate_id=claimed.id,
                    decision=Decision.APPROVED,
                    reviewer=reviewer,
                    decided_at=MOMENT,
                ),
                origin=origin,
            )
            for reviewer, rows in approved.items()
            for row in rows
            for claimed in [candidate(series, row)]
        ]
        export = Export(series=series, claims=in_order(claims), quality=None)
        return self.register(name, self.exports.store(export), kind="segments/v1")

    def merged(self, name: str, *parts: DatasetVersion) -> DatasetVersion:
        """A registered dataset that names others and their review sets, and has no review file of its own."""
        file = self.root / "merged"
        file.write_text(name)
        sets = [parent for part in parts for parent in self.artifacts.manifest(part.digest).parents]
        parents = [part.key for part in parts] + [parent for parent in sets if parent.startswith("reviews/")]
        made = self.artifacts.store(kind="segments/v1", files={"f": file}, meta={}, parents=parents)
        return self.register(name, made.digest, kind="segments/v1")

    def register(self, name: str, digest: str, *, kind: str) -> DatasetVersion:
        registering.register_dataset(
            self.store, self.artifacts, name=name, kind=kind, digest=digest, producer=f"svc_ingest/{name}"
        )
        with self.store.reading() as tx:
            record = tx.datasets.find(name, digest)
        assert record is not None
        return DatasetVersion(name=name, digest=digest, version=record.version, kind=kind)

    def train(self, run_id: str, dataset: DatasetVersion, *, parent: str = "") -> None:
        """A registered model version `detector@N` that a run made."""
        file = self.root / "bundle"
        file.write_text(run_id)
        bundle = self.artifacts.store(kind="bundle/v1", files={"f": file}, meta={}, parents=[])
        registering.register_model(
            self.store,
            self.artifacts,
            NewModel(
                name="detector",
                run_id=run_id,
                recipe="series-lm",
                bundle_digest=bundle.digest,
                base=BaseVersion(name="tiny-qwen", digest="b" * 64),
                dataset=dataset,
                metrics={"f1": 0.5},
                hyperparameters={"max_steps": 40, "method": "lora"},
                stage="stage2" if parent else "stage1",
                parent=ModelRef(name="detector", version=1, run_id=parent) if parent else None,
                total_steps=40,
                started_at=MOMENT,
                finished_at=MOMENT,
            ),
        )

    def predict(self, job_id: str, run_id: str, dataset: DatasetVersion) -> str:
        """The node of a prediction by `detector@1`."""
        prediction = NewPrediction(
            job_id=job_id,
            dataset=dataset,
            model_name="detector",
            model_version=1,
            run_id=run_id,
            finished_at=MOMENT,
        )
        registering.record_prediction(self.store, prediction)
        return prediction_key(job_id)

    def index(self, dataset: DatasetVersion) -> list[str]:
        """Index what went into a dataset; returns the reasons of what could not be read."""
        return [unread.reason for unread in self.indexing.index_dataset(dataset.name, dataset.digest)]

    def review_file(self, dataset: DatasetVersion) -> Path:
        """Where the review file of an export lies."""
        entry = self.artifacts.manifest(dataset.digest).file("reviews.parquet")
        return self.root / "objects" / blob_key(entry.sha256)

    def trained_on(self, subject: str, value: str, *, through_predictions: bool = False) -> TrainedModels:
        return find_trained_models(
            self.store, subject, value, through_predictions=through_predictions, before_id=0, limit=100
        )

    def runs(self, subject: str, value: str, *, through_predictions: bool = False) -> list[str]:
        """The runs whose models learnt from something, newest first."""
        found = self.trained_on(subject, value, through_predictions=through_predictions)
        return [record.made.run_id for record, _ in found.models]
