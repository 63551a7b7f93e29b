"""What a served model said of a series: candidates like any other, with their ancestry."""

from __future__ import annotations

from dataclasses import dataclass

from shared.contracts.lineage import prediction_key
from shared.contracts.versions import DatasetVersion


@dataclass(frozen=True, slots=True, kw_only=True)
class Prediction:
    """A prediction job that ended well."""

    job_id: str
    dataset: DatasetVersion
    model: str
    model_version: int
    result_digest: str

    @property
    def labeler(self) -> str:
        """The model version as the proposer of candidates."""
        return f"model:{self.model}@{self.model_version}"

    @property
    def key(self) -> str:
        """Its lineage node."""
        return prediction_key(self.job_id)
