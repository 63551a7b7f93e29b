"""From a training set to candidates: train, predict, review."""

from __future__ import annotations

from collections.abc import Sequence

from upwell.cli.output import counted, version_name
from upwell.cli.review import candidate_table
from upwell.client.failures import in_sentences
from upwell.client.waiting import until
from upwell.common.v1 import common_pb2
from upwell.demo.series.data import VALUE
from upwell.demo.series.scores import score, score_table
from upwell.demo.series.tour import LABELS, MODEL, SCORED, Tour
from upwell.demo.training import ALIAS, WITHIN_S, publish_training, watch
from upwell.errors import ToolError
from upwell.infer.v1 import infer_service_pb2
from upwell.label.v1 import label_service_pb2
from upwell.registry.v1 import registry_service_pb2

SHOWN_CANDIDATES = 5


async def train(tour: Tour) -> registry_service_pb2.ModelVersion:
    """A bare publish, and a run."""
    tour.narrator.step(
        "Ask for training",
        "Any NATS client can do this. A program that imports nats-py and json, and nothing of Upwell, publishes:",
    )
    run_id = await publish_training(tour, {"recipe": "series-lm", "dataset": LABELS, "model": MODEL})
    tour.narrator.step(
        "Train", "A child process of svc_train teaches a small Qwen2 to read series and to mark segments in them."
    )
    return await watch(tour, run_id)


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
            raise ToolError(in_sentences(job.failure))
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


def show_scores(tour: Tour) -> None:
    """The table."""
    tour.narrator.step("Scores", "Rows from the top-scored row to the true anomaly, and what a reviewer would see.")
    tour.narrator.show(score_table(tour.scores))
