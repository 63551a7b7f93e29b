"""From a NetCDF file to a forecast of El Nino."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rich.table import Table

from upwell.cli.forecast_picture import draw_forecast
from upwell.cli.output import counted, version_name
from upwell.cli.skill import skill_tables
from upwell.demo.ocean.names import FIELD, FORECASTER
from upwell.demo.stage import Metric, Stage, metrics_of
from upwell.demo.training import ALIAS, publish_training, watch
from upwell.infer.v1 import forecast_pb2
from upwell.registry.v1 import registry_service_pb2

# Enough to see El Nino, and quick to learn from. Cells of two degrees would leave a tenth of its boxes uncovered.
# The usual year ends before the months that are scored, or it would know something of them.
GRID = {"resolution": 2.5, "base_end": "2009-10"}
HISTORY, LEADS, STEPS = 6, 6, 60
# Before the El Nino of 2009/10 grew.
LAST_MONTH = "2009-06"
PICTURE = "demo-forecast.png"


async def ingest(stage: Stage, path: Path) -> None:
    """A NetCDF file in."""
    stage.narrator.step(
        "Ingest",
        "svc_ingest finds the temperature by its CF name, converts its unit, cuts out the Pacific, and stores months "
        "as Zarr with their usual year.",
    )
    made = await stage.upwell.ingest.file(path, name=FIELD, source="field", parameters=GRID)
    version = await stage.upwell.numbering.dataset(made.dataset)
    stage.narrator.say(f"{version_name(version.ref)}: {counted(made.rows, 'month')}")


async def train(stage: Stage) -> registry_service_pb2.ModelVersion:
    """A geoformer."""
    stage.narrator.step(
        "Train a forecaster",
        "A transformer over space and time corrects a linear model; 54 months show the way, they do not teach the sea.",
    )
    hyperparameters = {"max_steps": STEPS, "history": HISTORY, "horizon": LEADS, "batch_size": 8, "lim_modes": 3}
    run_id = await publish_training(
        stage,
        {"recipe": "geoformer", "dataset": FIELD, "model": FORECASTER, "hyperparameters": hyperparameters},
    )
    return await watch(stage, run_id)


async def forecast(stage: Stage) -> None:
    """Look ahead, and draw it."""
    stage.narrator.step("Forecast", f"One call names the dataset and the last month that is known, {LAST_MONTH}.")
    answer = await stage.upwell.infer.forecast(f"{FORECASTER}:{ALIAS}", dataset=FIELD, last_month=LAST_MONTH)
    stage.narrator.show(_index_table(answer))
    picture = stage.kept / PICTURE
    draw_forecast(answer, picture, channel="", index="nino34")
    stage.narrator.say(f"maps and plume: {picture}")


async def show_skill(stage: Stage, version: registry_service_pb2.ModelVersion) -> Sequence[Metric]:
    """What was measured when it was trained."""
    metrics = metrics_of(version)
    stage.narrator.step("Skill", "Correlation and error of the forecasts beside those of simpler ones, by lead.")
    for title, table in skill_tables({metric.name: metric.value for metric in metrics}).items():
        stage.narrator.say(title)
        stage.narrator.show(table)
    return metrics


def _index_table(answer: forecast_pb2.ForecastResponse) -> Table:
    table = Table(title="Anomalies in degrees C", title_justify="left")
    table.add_column("month")
    for index in answer.nino:
        table.add_column(index.name, justify="right")
    for number, month in enumerate(answer.fields.months):
        table.add_row(month, *(f"{index.values[number]:+.2f}" for index in answer.nino))
    return table
