"""What the service announces."""

from __future__ import annotations

from dataclasses import dataclass

from shared.contracts.work import Failure


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetProduced:
    """A dataset version lies in the object store, ready for its number."""

    name: str
    kind: str
    digest: str
    job_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class IngestFailed:
    """A job ended without a dataset."""

    job_id: str
    name: str
    failure: Failure


IngestEvent = DatasetProduced | IngestFailed
