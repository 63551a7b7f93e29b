"""What labelling announces."""

from __future__ import annotations

from dataclasses import dataclass

from shared.contracts.versions import DatasetVersion
from shared.contracts.work import Failure
from svc_label.domain.batches import DecidedBatch


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelCompleted:
    """A labeler has proposed its candidates, or made a dataset; `dataset` is what they speak of, or what was made."""

    job_id: str
    dataset: DatasetVersion
    labeler: str
    candidate_count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelFailed:
    """A labelling job ended without candidates; `dataset` is as it was asked for."""

    job_id: str
    dataset: str
    labeler: str
    failure: Failure


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewDecided:
    """A batch of decisions was recorded."""

    batch: DecidedBatch


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetProduced:
    """A dataset version was uploaded: an export, or what a labeler made. `producer` is `export` or the job's id."""

    name: str
    kind: str
    digest: str
    producer: str


LabelEvent = LabelCompleted | LabelFailed | ReviewDecided | DatasetProduced
