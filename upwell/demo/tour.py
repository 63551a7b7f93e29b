"""What the steps of the demo share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from upwell.cli.label import ended_job
from upwell.client import Upwell
from upwell.demo.data import DemoData
from upwell.demo.narrator import Narrator
from upwell.demo.scores import Score
from upwell.label.v1 import label_service_pb2

NORMAL, SCORED, GAIT = "bleeding-normal", "bleeding-test", "gait"
INJECTED, LABELS, MODEL = "bleeding-injected", "bleeding-labels", "bleeding-detector"
ALL_CANDIDATES = 1000


@dataclass(kw_only=True)
class Tour:
    """One walk through the loop.

    Attributes:
        upwell: the client.
        narrator: what is said.
        data: what is ingested.
        nats_url: the bus, for the step that knows nothing of Upwell.
        scores: what came out.
    """

    upwell: Upwell
    narrator: Narrator
    data: DemoData
    nats_url: str
    scores: list[Score] = field(default_factory=list)

    async def label(self, dataset: str, labeler: str, *, output: str = "") -> label_service_pb2.LabelJob:
        """Run a labeler and wait for its end."""
        job_id = await self.upwell.label.start(dataset, labeler=labeler, output=output)
        return await ended_job(self.upwell, job_id)

    async def candidates(self, dataset: str, labeler: str) -> Sequence[label_service_pb2.Candidate]:
        """What a labeler has proposed, best first."""
        wanted = label_service_pb2.CandidateFilter(dataset=dataset, labeler=labeler)
        return (await self.upwell.label.candidates(wanted, limit=ALL_CANDIDATES)).candidates
