"""What the steps of this story share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from upwell.demo.series.data import DemoData
from upwell.demo.series.scores import Score
from upwell.demo.stage import Stage
from upwell.label.v1 import label_service_pb2

NORMAL, SCORED, GAIT = "bleeding-normal", "bleeding-test", "gait"
INJECTED, LABELS, MODEL = "bleeding-injected", "bleeding-labels", "bleeding-detector"
ALL_CANDIDATES = 1000


@dataclass(kw_only=True)
class Tour(Stage):
    """One walk through the loop.

    Attributes:
        data: what is ingested.
        scores: what came out.
    """

    data: DemoData
    scores: list[Score] = field(default_factory=list)

    async def candidates(self, dataset: str, labeler: str) -> Sequence[label_service_pb2.Candidate]:
        """What a labeler has proposed, best first."""
        wanted = label_service_pb2.CandidateFilter(dataset=dataset, labeler=labeler)
        return (await self.upwell.label.candidates(wanted, limit=ALL_CANDIDATES)).candidates
