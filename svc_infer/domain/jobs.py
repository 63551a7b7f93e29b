"""Prediction jobs: what is asked for, what came out, and what is announced."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from shared.contracts.names import parse_dataset_reference, parse_reference
from shared.contracts.versions import BaseVersion, DatasetVersion, ModelVersion
from shared.contracts.work import Failure


@dataclass(frozen=True, slots=True, kw_only=True)
class JobRequest:
    """A dataset and a model, by reference."""

    dataset: str
    model: str

    def check(self) -> None:
        """InvalidInputError when a reference is none; whether they name anything is found out later."""
        parse_dataset_reference("dataset", self.dataset)
        parse_reference("model", self.model)

    def to_json(self) -> dict[str, str]:
        """As recorded."""
        return asdict(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class InferCompleted:
    """A job has its results; `finished_at` is None where an older release recorded them."""

    job_id: str
    dataset: DatasetVersion
    model: ModelVersion
    result_digest: str
    segment_count: int
    finished_at: datetime | None = None

    def to_json(self) -> dict[str, Any]:
        """As recorded."""
        return {**asdict(self), "finished_at": self.finished_at.isoformat() if self.finished_at else ""}


@dataclass(frozen=True, slots=True, kw_only=True)
class InferFailed:
    """A job ended without results."""

    job_id: str
    request: JobRequest
    failure: Failure


InferEvent = InferCompleted | InferFailed


def parse_result(body: Mapping[str, Any]) -> InferCompleted:
    """A result as recorded."""
    model = {**body["model"], "base": BaseVersion(**body["model"]["base"])}
    finished_at = body.get("finished_at")
    return InferCompleted(
        **{
            **body,
            "dataset": DatasetVersion(**body["dataset"]),
            "model": ModelVersion(**model),
            "finished_at": datetime.fromisoformat(finished_at) if finished_at else None,
        }
    )
