"""From two recordings to a detector whose finds wait for review."""

from __future__ import annotations

from collections.abc import Sequence

from upwell.demo.series import labels, model
from upwell.demo.series.data import prepare
from upwell.demo.series.scores import Score
from upwell.demo.series.tour import MODEL, SCORED, Tour
from upwell.demo.stage import Stage, Story
from upwell.demo.training import promote, show_lineage


async def walk(stage: Stage) -> Sequence[Score]:
    """Every step, in order."""
    tour = Tour(
        upwell=stage.upwell,
        narrator=stage.narrator,
        files=stage.files,
        kept=stage.kept,
        nats_url=stage.nats_url,
        data=prepare(stage.files),
    )
    await labels.ingest(tour)
    await labels.detect(tour)
    await labels.inject(tour)
    await labels.export(tour)
    version = await model.train(tour)
    await promote(tour, version)
    await model.predict(tour)
    await model.predict_dataset(tour, version)
    await model.review_queue(tour, version)
    await show_lineage(tour, version)
    model.show_scores(tour)
    return tour.scores


STORY = Story(
    name="series",
    walk=walk,
    where_next=(
        (f"upwell review list {SCORED}", "the queue; `upwell review decide` works it"),
        (f"upwell lineage {SCORED} --down", "what was made from the test part"),
        (f"upwell models show {MODEL}", "versions, aliases, numbers"),
    ),
)
