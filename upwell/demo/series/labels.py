"""From files to a training set: ingest, detect, inject, export."""

from __future__ import annotations

from pathlib import Path

from upwell.cli.output import counted, version_name
from upwell.cli.preview import preview_lines
from upwell.demo.series.data import TIME, VALUE
from upwell.demo.series.scores import score
from upwell.demo.series.tour import GAIT, INJECTED, LABELS, NORMAL, SCORED, Tour
from upwell.ingest.v1 import events_pb2

DETECTORS = ("robust", "subsequence-pca")


async def ingest(tour: Tour) -> None:
    """Three files in."""
    tour.narrator.step(
        "Ingest",
        "svc_ingest stores each file as Parquet, named by its content, and announces it; svc_registry numbers it.",
    )
    index = events_pb2.ReadOptions(time_column=TIME, time_format="index", channels=[VALUE])
    walk = events_pb2.ReadOptions(time_column=TIME, channels=tour.data.gait_channels)
    await _ingest(tour, tour.data.normal, NORMAL, index, "arterial pressure, nothing wrong in it")
    await _ingest(tour, tour.data.scored, SCORED, index, "the same patient later; only ever scored")
    await _ingest(tour, tour.data.gait, GAIT, walk, f"gait, {len(tour.data.gait_channels)} channels")


async def _ingest(tour: Tour, path: Path, name: str, options: events_pb2.ReadOptions, what: str) -> None:
    made = await tour.upwell.ingest.file(path, name=name, source="csv", options=options)
    version = await tour.upwell.numbering.dataset(made.dataset)
    tour.narrator.say(f"{version_name(version.ref)}: {made.rows:,} rows; {what}")
    preview = await tour.upwell.ingest.preview(version.ref.manifest_digest, channels=made.channels[:1], buckets=72)
    for line in preview_lines(preview):
        tour.narrator.say(f"  {line}")


async def detect(tour: Tour) -> None:
    """Detectors propose."""
    tour.narrator.step(
        "Detect", "Algorithms without any training propose segments of the test part as candidates to review."
    )
    for labeler in DETECTORS:
        job = await tour.label(SCORED, labeler)
        tour.narrator.say(f"{labeler}: {counted(job.candidate_count, 'candidate')}")
        segments = [candidate.segment for candidate in await tour.candidates(SCORED, labeler)]
        tour.scores.append(score(labeler, segments, rows=len(tour.data.values), truth=tour.data.truth))


async def inject(tour: Tour) -> None:
    """Labels that are true by construction."""
    tour.narrator.step(
        "Inject",
        "Training needs labels and nobody has made any: known distortions are put into the normal part, so these "
        "labels are true by construction and the policy of that name approves them.",
    )
    job = await tour.label(NORMAL, "inject", output=INJECTED)
    version = await tour.upwell.numbering.dataset(job.output)
    tour.narrator.say(f"{version_name(version.ref)}: {counted(job.candidate_count, 'distortion')}")
    for row in await tour.upwell.label.progress(INJECTED):
        tour.narrator.say(f"{row.approved_count} approved by {row.reviewer or 'nobody'}")


async def export(tour: Tour) -> None:
    """Approved candidates become a training set."""
    tour.narrator.step("Export", "Only approved candidates go into a training set, which records their reviews.")
    made = await tour.upwell.label.export(INJECTED, output=LABELS)
    version = await tour.upwell.numbering.dataset(made.dataset)
    tour.narrator.say(
        f"{version_name(version.ref)}: {counted(made.segment_count, 'segment')}, {counted(made.review_count, 'review')}"
    )
