"""The steps of the demo, each over the public contracts."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from upwell.cli.datasets import preview_lines
from upwell.cli.label import ended_job
from upwell.cli.lineage import lineage_tree
from upwell.cli.output import version_name
from upwell.cli.review import candidate_table
from upwell.cli.watching import watch_run
from upwell.client import Upwell
from upwell.client.waiting import until
from upwell.common.v1 import common_pb2
from upwell.demo import publish_request
from upwell.demo.data import TIME, VALUE, DemoData
from upwell.demo.narrator import Narrator
from upwell.demo.scores import Score, score, score_table
from upwell.errors import ToolError
from upwell.infer.v1 import infer_service_pb2
from upwell.ingest.v1 import events_pb2
from upwell.label.v1 import label_service_pb2
from upwell.registry.v1 import registry_service_pb2

NORMAL, SCORED, GAIT = "bleeding-normal", "bleeding-test", "gait"
INJECTED, LABELS, MODEL = "bleeding-injected", "bleeding-labels", "bleeding-detector"
DETECTORS = ("robust", "subsequence-pca")
ALIAS = "champion"
# Enough for this recording, so that the demo stays short.
HYPERPARAMETERS = {"max_steps": 120}
SHOWN_CANDIDATES = 5
ALL_CANDIDATES = 1000
# Every wait of the demo: generous, because two cores may be busy with other things.
WITHIN_S = 180.0


@dataclass(kw_only=True)
class Demo:
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

    async def run(self) -> None:
        """All steps in order."""
        await self.ingest()
        await self.detect()
        await self.inject()
        await self.export()
        run_id = await self.ask_for_training()
        version = await self.watch(run_id)
        await self.promote(version)
        await self.predict()
        await self.predict_dataset(version)
        await self.review_queue(version)
        await self.lineage(version)

    async def ingest(self) -> None:
        """Three files in."""
        self.narrator.step(
            "Ingest",
            "svc_ingest stores each file as Parquet, named by its content, and announces it; svc_registry numbers it.",
        )
        index = events_pb2.ReadOptions(time_column=TIME, time_format="index", channels=[VALUE])
        walk = events_pb2.ReadOptions(time_column=TIME, channels=self.data.gait_channels)
        await self._ingest(self.data.normal, NORMAL, index, "arterial pressure, nothing wrong in it")
        await self._ingest(self.data.scored, SCORED, index, "the same patient later; only ever scored")
        await self._ingest(self.data.gait, GAIT, walk, f"gait, {len(self.data.gait_channels)} channels")

    async def _ingest(self, path: Path, name: str, options: events_pb2.ReadOptions, what: str) -> None:
        made = await self.upwell.ingest.file(path, name=name, source="csv", options=options)
        version = await self.upwell.numbering.dataset(made.dataset)
        self.narrator.say(f"{version_name(version.ref)}: {made.rows:,} rows; {what}")
        preview = await self.upwell.ingest.preview(version.ref.manifest_digest, channels=made.channels[:1], buckets=72)
        for line in preview_lines(preview):
            self.narrator.say(f"  {line}")

    async def detect(self) -> None:
        """Detectors propose."""
        self.narrator.step(
            "Detect", "Algorithms without any training propose segments of the test part as candidates to review."
        )
        for labeler in DETECTORS:
            job = await self._label(SCORED, labeler)
            self.narrator.say(f"{labeler}: {job.candidate_count} candidates")
            segments = [candidate.segment for candidate in await self._candidates(SCORED, labeler)]
            self.scores.append(score(labeler, segments, rows=len(self.data.values), truth=self.data.truth))

    async def inject(self) -> None:
        """Labels that are true by construction."""
        self.narrator.step(
            "Inject",
            "Training needs labels and nobody has made any: known distortions are put into the normal part, so these "
            "labels are true by construction and the policy of that name approves them.",
        )
        job = await self._label(NORMAL, "inject", output=INJECTED)
        version = await self.upwell.numbering.dataset(job.output)
        self.narrator.say(f"{version_name(version.ref)}: {job.candidate_count} distortions")
        for row in await self.upwell.label.progress(INJECTED):
            self.narrator.say(f"{row.approved_count} approved by {row.reviewer or 'nobody'}")

    async def export(self) -> None:
        """Approved candidates become a training set."""
        self.narrator.step("Export", "Only approved candidates go into a training set, which records their reviews.")
        made = await self.upwell.label.export(INJECTED, output=LABELS)
        version = await self.upwell.numbering.dataset(made.dataset)
        self.narrator.say(f"{version_name(version.ref)}: {made.segment_count} segments, {made.review_count} reviews")

    async def ask_for_training(self) -> str:
        """A bare publish."""
        request = {"recipe": "series-lm", "dataset": LABELS, "model": MODEL, "hyperparameters": HYPERPARAMETERS}
        self.narrator.step(
            "Ask for training",
            "Any NATS client can do this. A program that imports nats-py and json, and nothing of Upwell, publishes:",
        )
        self.narrator.say(f"train.requested {json.dumps(request)}")
        known = {run.run_id for run in await self.upwell.train.runs(model=MODEL)}
        place = await _publish_without_upwell(self.nats_url, "train.requested", request)
        self.narrator.say(f"JetStream has it: number {place} in its stream")

        async def recorded() -> str | None:
            runs = await self.upwell.train.runs(model=MODEL)
            return next((run.run_id for run in runs if run.run_id not in known), None)

        run_id = await until(recorded, within_s=WITHIN_S, what="The record of the run")
        self.narrator.say(f"svc_train has recorded run {run_id}")
        return run_id

    async def watch(self, run_id: str) -> registry_service_pb2.ModelVersion:
        """Train."""
        self.narrator.step(
            "Train", "A child process of svc_train teaches a small Qwen2 to read series and to mark segments in them."
        )
        run = await watch_run(self.upwell, run_id)
        self.narrator.say("held-out split: " + ", ".join(f"{k} {v:.3g}" for k, v in sorted(run.metrics.items())))
        version = await until(
            lambda: self.upwell.registry.trained_model(run_id), within_s=WITHIN_S, what="The model's number"
        )
        self.narrator.say(f"registered as {version_name(version.ref)}")
        return version

    async def promote(self, version: registry_service_pb2.ModelVersion) -> None:
        """Serve."""
        self.narrator.step(
            "Promote",
            "The alias moves; every svc_infer hears it, verifies each digest, replays the certificate, switches.",
        )
        await self.upwell.registry.promote(MODEL, version=version.ref.version, alias=ALIAS, reason="upwell demo")

        async def serving() -> infer_service_pb2.ModelStatus | None:
            for status in await self.upwell.infer.status():
                if status.model.run_id == version.ref.run_id:
                    _raise_if_refused(status)
                    if status.state == infer_service_pb2.MODEL_STATE_READY and ALIAS in status.aliases:
                        return status
            return None

        await until(serving, within_s=WITHIN_S, what=f"{version_name(version.ref)} being served")
        self.narrator.say(f"{MODEL}:{ALIAS} is {version_name(version.ref)}, served")

    async def predict(self) -> None:
        """One call."""
        self.narrator.step("Predict", "One gRPC call with the values of the test part; the answer says who spoke.")
        series = infer_service_pb2.Series(id=SCORED, times=self.data.times)
        series.channels.add(name=VALUE, values=self.data.values)
        answer = await self.upwell.infer.predict(f"{MODEL}:{ALIAS}", [series], include_scores=True)
        (only,) = answer.answers
        self.narrator.say(f"{version_name(answer.model)}: {only.text}")
        rows, truth = len(self.data.values), self.data.truth
        name = version_name(answer.model)
        self.scores.append(score(name, only.segments, rows=rows, truth=truth))
        self.scores.append(score(name, only.segments, rows=rows, truth=truth, row_scores=only.scores[0].scores))

    async def predict_dataset(self, version: registry_service_pb2.ModelVersion) -> None:
        """A whole dataset by event."""
        self.narrator.step(
            "Predict over a dataset",
            "infer.requested: the segments become files in the object store and candidates to review.",
        )
        job_id = await self.upwell.infer.request(SCORED, model=version_name(version.ref))

        async def ended() -> infer_service_pb2.PredictionJob | None:
            job = await self.upwell.infer.job(job_id)
            if job.state == common_pb2.WORK_STATE_FAILED:
                raise ToolError(f"{job.failure.reason} {job.failure.remedy}")
            return job if job.state == common_pb2.WORK_STATE_COMPLETED else None

        job = await until(ended, within_s=WITHIN_S, what="The prediction over the dataset")
        self.narrator.say(f"{job.result.segment_count} segments; result {job.result.result_digest[:12]}")

    async def review_queue(self, version: registry_service_pb2.ModelVersion) -> None:
        """The loop closes."""
        self.narrator.step(
            "Review",
            "What the model found waits for a person; what is approved is tomorrow's training set.",
        )
        labeler = f"model:{version_name(version.ref)}"

        async def proposed() -> Sequence[label_service_pb2.Candidate] | None:
            return await self._candidates(SCORED, labeler) or None

        found = await until(proposed, within_s=WITHIN_S, what=f"Candidates by {labeler}")
        self.narrator.show(candidate_table(found[:SHOWN_CANDIDATES]))
        self.narrator.say(f"{len(found)} candidates by {labeler}")

    async def lineage(self, version: registry_service_pb2.ModelVersion) -> None:
        """What came from what."""
        self.narrator.step("Lineage", f"What {version_name(version.ref)} was made from, at any depth, in one query.")
        graph = await self.upwell.lineage.ancestors(version_name(version.ref))
        self.narrator.show(lineage_tree(graph, up=True))

    def show_scores(self) -> None:
        """The table."""
        self.narrator.step("Scores", "Rows from the top-scored row to the true anomaly, and what a reviewer would see.")
        self.narrator.show(score_table(self.scores))

    async def _label(self, dataset: str, labeler: str, *, output: str = "") -> label_service_pb2.LabelJob:
        job_id = await self.upwell.label.start(dataset, labeler=labeler, output=output)
        return await ended_job(self.upwell, job_id)

    async def _candidates(self, dataset: str, labeler: str) -> Sequence[label_service_pb2.Candidate]:
        wanted = label_service_pb2.CandidateFilter(dataset=dataset, labeler=labeler)
        return (await self.upwell.label.candidates(wanted, limit=ALL_CANDIDATES)).candidates


def _raise_if_refused(status: infer_service_pb2.ModelStatus) -> None:
    if status.state == infer_service_pb2.MODEL_STATE_FAILED:
        raise ToolError(f"{version_name(status.model)} was refused: {status.failure.reason} {status.failure.remedy}")


async def _publish_without_upwell(url: str, subject: str, body: Mapping[str, Any]) -> str:
    """Run the small program; what it prints."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        publish_request.__file__,
        url,
        subject,
        json.dumps(body),
        stdout=asyncio.subprocess.PIPE,
    )
    printed, _ = await process.communicate()
    if process.returncode != 0:
        raise ToolError(f"{subject} could not be published.")
    return printed.decode().strip()
