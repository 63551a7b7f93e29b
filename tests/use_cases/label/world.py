"""svc_label without a network: SQLite and a folder of objects, and a catalogue that tests fill by hand."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from sqlmodel import select

from shared.contracts.kinds import Kind
from shared.contracts.names import parse_reference
from shared.contracts.parameters import parameter
from shared.contracts.series import TIME_INDEX, Segment
from shared.contracts.versions import DatasetVersion, ModelVersion
from shared.contracts.work import Work, failure_of
from shared.errors import NotFoundError, UnavailableError
from shared.runtime.artifacts import Artifacts
from shared.runtime.database import Database
from shared.runtime.migrations import migrate
from shared.runtime.object_store import FolderObjectStore
from shared.runtime.outbox import OutboxRow
from shared.runtime.worker import Lease
from svc_label.adapters.scratch import Scratch
from svc_label.adapters.store import SqlLabelStore
from svc_label.adapters.stored_datasets import ArtifactDatasets
from svc_label.adapters.stored_exports import ArtifactExports
from svc_label.adapters.stored_predictions import ArtifactPredictions
from svc_label.adapters.stored_series import ArtifactSeries, write_series
from svc_label.bootstrap import MIGRATIONS
from svc_label.domain.batches import Batch, Caller, DecidedBatch, SingleDecision
from svc_label.domain.jobs import LabelRequest
from svc_label.domain.picking import Pick
from svc_label.domain.predictions import Prediction
from svc_label.domain.queue import CandidateFilter, Standing
from svc_label.domain.reviews import Decision
from svc_label.labelers.base import AnyLabeler, Labeling, MadeSeries, Proposal, SeriesFrame
from svc_label.rpc import UseCases
from svc_label.use_cases.exporting import Exporting
from svc_label.use_cases.labeling import LabelingJobs
from svc_label.use_cases.making import DatasetMaking
from svc_label.use_cases.predictions import take_prediction
from svc_label.use_cases.queue import Question, Queue
from svc_label.use_cases.reviewing import Reviewing

ALICE = Caller(name="alice", may_speak_for_others=False)
ROWS = 200
STEP = 10  # between the times of neighbouring rows


@dataclass(frozen=True, slots=True, kw_only=True)
class StripesParameters:
    """How many stripes, and their width in rows."""

    count: int = parameter(4, low=0, high=100_000)
    width: int = parameter(5, low=1, high=100)
    seed: int = parameter(0, low=0, high=10)


@dataclass(frozen=True, slots=True)
class Stripes:
    """Proposes stripes of rows whose confidence falls from one; quick, and easy to foresee."""

    name: str = "stripes"
    summary: str = "Proposes stripes."
    makes_series: bool = False
    parameters: type[StripesParameters] = StripesParameters

    def propose(self, series: SeriesFrame, parameters: StripesParameters) -> Labeling:
        return Labeling(proposals=stripes(series, parameters))


@dataclass(frozen=True, slots=True)
class Doubling:
    """Makes a series twice the given one, with stripes that are true."""

    name: str = "doubling"
    summary: str = "Makes a series."
    makes_series: bool = True
    parameters: type[StripesParameters] = StripesParameters

    def propose(self, series: SeriesFrame, parameters: StripesParameters) -> Labeling:
        made = replace(series, values=series.values * 2 + parameters.seed)
        half = series.rows // 2
        pieces = ((0, half), (half, series.rows))
        return Labeling(proposals=stripes(made, parameters), made=MadeSeries(series=made, pieces=pieces))


def stripes(series: SeriesFrame, parameters: StripesParameters) -> tuple[Proposal, ...]:
    starts = [i * parameters.width % (series.rows - parameters.width) for i in range(parameters.count)]
    return tuple(
        Proposal(
            segment=Segment(
                start_row=start,
                end_row=start + parameters.width,
                start_time=int(series.time[start]),
                end_time=int(series.time[start + parameters.width - 1]),
                channel=series.channels[i % len(series.channels)],
                label=f"stripe-{i}",
                confidence=1.0 - i / parameters.count,
            ),
            score=1.0,
        )
        for i, start in enumerate(starts)
    )


class FakeCatalogue:
    """The `Catalogue` port: numbers what it is told of, in order; `is_up` False makes it silent."""

    def __init__(self) -> None:
        self.versions: list[DatasetVersion] = []
        self.is_up = True

    def register(self, name: str, digest: str, kind: str) -> DatasetVersion:
        known = [version for version in self.versions if version.name == name]
        self.versions.append(DatasetVersion(name=name, digest=digest, version=len(known) + 1, kind=kind))
        return self.versions[-1]

    def dataset(self, reference: str) -> DatasetVersion:
        wanted = parse_reference("dataset", reference)
        found = [v for v in self._known() if v.name == wanted.name and wanted.version in {None, v.version}]
        if not found:
            raise NotFoundError(f"There is no dataset {reference!r}")
        return found[-1]

    def dataset_by_digest(self, name: str, digest: str) -> DatasetVersion:
        found = [v for v in self._known() if (v.name, v.digest) == (name, digest)]
        if not found:
            raise NotFoundError(f"{name!r} has no version {digest[:12]}")
        return found[0]

    def model(self, reference: str) -> ModelVersion:
        raise NotFoundError(f"There is no model {reference!r}")

    def aliases(self) -> Mapping[tuple[str, str], ModelVersion]:
        return {}

    def _known(self) -> list[DatasetVersion]:
        if not self.is_up:
            raise UnavailableError("svc_registry does not answer")
        return self.versions


@dataclass
class World:
    """The service's use cases over real adapters, and what tests do with them."""

    folder: Path
    database: Database
    labelers: Mapping[str, AnyLabeler] = field(default_factory=lambda: {"doubling": Doubling(), "stripes": Stripes()})
    max_values: int = 100_000

    def __post_init__(self) -> None:
        self.catalogue = FakeCatalogue()
        self.objects = FolderObjectStore(self.folder / "objects")
        self.artifacts = Artifacts(self.objects)
        self.store = SqlLabelStore(self.database, source="svc_label")
        self.scratch = Scratch(self.folder / "scratch")
        self.series = ArtifactSeries(self.artifacts, self.scratch, max_values=self.max_values)
        self.predictions = ArtifactPredictions(self.artifacts, self.scratch)
        self.jobs = LabelingJobs(
            store=self.store,
            catalogue=self.catalogue,
            series=self.series,
            making=DatasetMaking(store=self.store, datasets=ArtifactDatasets(self.artifacts, self.scratch)),
            labelers=self.labelers,
            explain=failure_of,
        )
        self.queue = Queue(store=self.store, catalogue=self.catalogue)
        self.reviewing = Reviewing(store=self.store, catalogue=self.catalogue, series=self.series)
        exports = ArtifactExports(self.artifacts, self.scratch)
        self.exporting = Exporting(store=self.store, catalogue=self.catalogue, exports=exports)

    @property
    def use_cases(self) -> UseCases:
        return UseCases(
            labelers=self.labelers,
            jobs=self.jobs,
            queue=self.queue,
            reviewing=self.reviewing,
            exporting=self.exporting,
        )

    def add_series(self, name: str, *, rows: int = ROWS, channels: Sequence[str] = ("a", "b")) -> DatasetVersion:
        """Store a series and register it: row 1 has no value in the first channel, times are 1000, 1010, ..."""
        values = np.random.default_rng(rows).normal(size=(rows, len(channels)))
        values[1, 0] = np.nan
        time = np.arange(rows, dtype=np.int64) * STEP + 1000
        frame = SeriesFrame(time=time, values=values, channels=tuple(channels))
        path = self.folder / "series.parquet"
        write_series(frame, TIME_INDEX, path)
        meta = {
            "rows": rows,
            "channels": [{"name": channel} for channel in channels],
            "time": TIME_INDEX,
            "start": int(time[0]),
            "end": int(time[-1]),
        }
        manifest = self.artifacts.store(
            kind=Kind.SERIES, files={"series.parquet": path}, meta=meta, parents=[f"source/file:{name}.csv"]
        )
        return self.catalogue.register(name, manifest.digest, Kind.SERIES)

    def label(self, dataset: str, labeler: str = "stripes", *, job_id: str = "job-1", **changed: Any) -> Work:
        """Record a job and do it."""
        request = LabelRequest(dataset=dataset, labeler=labeler, **changed)
        self.jobs.record(job_id, request)
        self.jobs.execute(self.claim(), Lease(self.jobs.get(job_id)))
        return self.jobs.get(job_id)

    def claim(self) -> Work:
        """The next piece of work, leased."""
        with self.store.transaction() as tx:
            work = tx.work.claim(lease_s=60)
        assert work is not None, "nothing is queued"
        return work

    def listed(self, dataset: str = "", *, how: Pick = Pick.TOP, limit: int = 1000, **changed: Any) -> list[Standing]:
        """Candidates as alice is shown them."""
        seed = changed.pop("seed", 0)
        question = Question(dataset=dataset, wanted=CandidateFilter(**changed), how=how, limit=limit, seed=seed)
        return list(self.queue.ask(question, asked_by="alice")[0])

    def ids(self, dataset: str = "", **changed: Any) -> list[str]:
        """Ids of candidates."""
        return [item.candidate.id for item in self.listed(dataset, **changed)]

    def decide(self, batch_id: str, *singles: SingleDecision, caller: Caller = ALICE) -> DecidedBatch:
        """Record single decisions."""
        return self.reviewing.decide(Batch(id=batch_id, decisions=singles), caller)

    def approve(self, batch_id: str, ids: Sequence[str], decision: Decision = Decision.APPROVED) -> DecidedBatch:
        """Record the same decision on several candidates, one by one."""
        return self.decide(batch_id, *(SingleDecision(candidate_id=i, decision=decision) for i in ids))

    def predict(self, dataset: DatasetVersion, segments: Sequence[Mapping[str, Any]], *, job_id: str = "p-1") -> None:
        """Store the result of a prediction job and take it."""
        path = self.folder / "segments.json"
        path.write_text(json.dumps({"segments": list(segments)}))
        manifest = self.artifacts.store(
            kind=Kind.PREDICTION, files={"segments.json": path}, meta={}, parents=["model/run-1", dataset.key]
        )
        prediction = Prediction(
            job_id=job_id, dataset=dataset, model="pump", model_version=3, result_digest=manifest.digest
        )
        take_prediction(self.store, self.series, self.predictions, prediction)

    def events(self, subject: str) -> list[dict[str, Any]]:
        """Bodies of what waits in the outbox."""
        with self.database.reading() as session:
            rows = session.exec(select(OutboxRow).where(OutboxRow.subject == subject).order_by(OutboxRow.id)).all()
            return [json.loads(row.body) for row in rows]


def make_tables(path: Path) -> Path:
    """A database with empty tables, to be copied."""
    database = Database(f"sqlite:///{path}", schema="svc_label")
    migrate(database, MIGRATIONS)
    database.dispose()
    return path


@contextmanager
def fresh_world(tables: Path, folder: Path) -> Iterator[World]:
    """A world of its own in an empty folder."""
    shutil.copy(tables, folder / "svc_label.db")
    database = Database(f"sqlite:///{folder / 'svc_label.db'}", schema="svc_label")
    yield World(folder, database)
    database.dispose()
