"""From a training set to candidates: train, promote, predict, review; and where it all came from."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from upwell.cli.lineage import lineage_tree
from upwell.cli.output import counted, version_name
from upwell.cli.review import candidate_table
from upwell.cli.watching import watch_run
from upwell.client.waiting import until
from upwell.common.v1 import common_pb2
from upwell.demo import publish_request
from upwell.demo.data import VALUE
from upwell.demo.scores import score, score_table
from upwell.demo.tour import LABELS, MODEL, SCORED, Tour
from upwell.errors import ToolError
from upwell.infer.v1 import infer_service_pb2
from upwell.label.v1 import label_service_pb2
from upwell.lineage.graph import piece_of
from upwell.registry.v1 import registry_service_pb2

ALIAS = "champion"
SHOWN_CANDIDATES = 5
# Every wait of the demo: generous, because two cores may be busy with other things.
WITHIN_S = 180.0


async def ask_for_training(tour: Tour) -> str:
    """A bare publish."""
    request = {"recipe": "series-lm", "dataset": LABELS, "model": MODEL}
    tour.narrator.step(
        "Ask for training",
        "Any NATS client can do this. A program that imports nats-py and json, and nothing of Upwell, publishes:",
    )
    tour.narrator.say(f"train.requested {json.dumps(request)}")
    known = {run.run_id for run in await tour.upwell.train.runs(model=MODEL)}
    place = await _publish_without_upwell(tour.nats_url, "train.requested", request)
    tour.narrator.say(f"JetStream has it: number {place} in its stream")

    async def recorded() -> str | None:
        runs = await tour.upwell.train.runs(model=MODEL)
        return next((run.run_id for run in runs if run.run_id not in known), None)

    run_id = await until(recorded, within_s=WITHIN_S, what="The record of the run")
    tour.narrator.say(f"svc_train has recorded run {run_id}")
    return run_id


async def watch(tour: Tour, run_id: str) -> registry_service_pb2.ModelVersion:
    """Train."""
    tour.narrator.step(
        "Train", "A child process of svc_train teaches a small Qwen2 to read series and to mark segments in them."
    )
    run = await watch_run(tour.upwell, run_id)
    tour.narrator.say("held-out split: " + ", ".join(f"{k} {v:.3g}" for k, v in sorted(run.metrics.items())))
    version = await until(
        lambda: tour.upwell.registry.trained_model(run_id), within_s=WITHIN_S, what="The model's number"
    )
    tour.narrator.say(f"registered as {version_name(version.ref)}")
    return version


async def promote(tour: Tour, version: registry_service_pb2.ModelVersion) -> None:
    """Serve."""
    tour.narrator.step(
        "Promote",
        "The alias moves; every svc_infer hears it, verifies each digest, replays the certificate, switches.",
    )
    await tour.upwell.registry.promote(MODEL, version=version.ref.version, alias=ALIAS, reason="upwell demo")

    async def serving() -> infer_service_pb2.ModelStatus | None:
        for status in await tour.upwell.infer.status():
            if status.model.run_id == version.ref.run_id:
                _raise_if_refused(status)
                if status.state == infer_service_pb2.MODEL_STATE_READY and ALIAS in status.aliases:
                    return status
        return None

    await until(serving, within_s=WITHIN_S, what=f"{version_name(version.ref)} being served")
    tour.narrator.say(f"{MODEL}:{ALIAS} is {version_name(version.ref)}, served")


async def predict(tour: Tour) -> None:
    """One call."""
    tour.narrator.step("Predict", "One gRPC call with the values of the test part; the answer says who spoke.")
    series = infer_service_pb2.Series(id=SCORED, times=tour.data.times)
    series.channels.add(name=VALUE, values=tour.data.values)
    answer = await tour.upwell.infer.predict(f"{MODEL}:{ALIAS}", [series], include_scores=True)
    (only,) = answer.answers
    tour.narrator.say(f"{version_name(answer.model)}: {only.text}")
    rows, truth = len(tour.data.values), tour.data.truth
    name = version_name(answer.model)
    tour.scores.append(score(name, only.segments, rows=rows, truth=truth))
    tour.scores.append(score(name, only.segments, rows=rows, truth=truth, row_scores=only.scores[0].scores))


async def predict_dataset(tour: Tour, version: registry_service_pb2.ModelVersion) -> None:
    """A whole dataset by event."""
    tour.narrator.step(
        "Predict over a dataset",
        "infer.requested: the segments become files in the object store and candidates to review.",
    )
    job_id = await tour.upwell.infer.request(SCORED, model=version_name(version.ref))

    async def ended() -> infer_service_pb2.PredictionJob | None:
        job = await tour.upwell.infer.job(job_id)
        if job.state == common_pb2.WORK_STATE_FAILED:
            raise ToolError(f"{job.failure.reason} {job.failure.remedy}")
        return job if job.state == common_pb2.WORK_STATE_COMPLETED else None

    job = await until(ended, within_s=WITHIN_S, what="The prediction over the dataset")
    tour.narrator.say(f"{counted(job.result.segment_count, 'segment')}; result {job.result.result_digest[:12]}")


async def review_queue(tour: Tour, version: registry_service_pb2.ModelVersion) -> None:
    """The loop closes."""
    tour.narrator.step(
        "Review",
        "What the model found waits for a person; what is approved is tomorrow's training set.",
    )
    labeler = f"model:{version_name(version.ref)}"

    async def proposed() -> Sequence[label_service_pb2.Candidate] | None:
        return await tour.candidates(SCORED, labeler) or None

    found = await until(proposed, within_s=WITHIN_S, what=f"Candidates by {labeler}")
    tour.narrator.show(candidate_table(found[:SHOWN_CANDIDATES]))
    tour.narrator.say(f"{counted(len(found), 'candidate')} by {labeler}")


async def lineage(tour: Tour, version: registry_service_pb2.ModelVersion) -> None:
    """What came from what."""
    tour.narrator.step("Lineage", f"What {version_name(version.ref)} was made from, at any depth, in one query.")
    graph = await tour.upwell.lineage.ancestors(version_name(version.ref))
    tour.narrator.show(lineage_tree(piece_of(graph.root, graph.nodes, graph.edges), up=True))


def show_scores(tour: Tour) -> None:
    """The table."""
    tour.narrator.step("Scores", "Rows from the top-scored row to the true anomaly, and what a reviewer would see.")
    tour.narrator.show(score_table(tour.scores))


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
