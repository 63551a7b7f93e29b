"""From a NetCDF file to a forecast, and to a language model that reads fields."""

from __future__ import annotations

from collections.abc import Sequence

from upwell.demo.ocean import forecasting, talking
from upwell.demo.ocean.data import ostia
from upwell.demo.ocean.names import CHAT, FIELD, FORECASTER, TALKER
from upwell.demo.stage import Metric, Stage, Story
from upwell.demo.training import promote, show_lineage


async def walk(stage: Stage) -> Sequence[Metric]:
    """Every step, in order."""
    await forecasting.ingest(stage, ostia())
    forecaster = await forecasting.train(stage)
    await promote(stage, forecaster)
    await forecasting.forecast(stage)
    await talking.ask_questions(stage)
    talker = await talking.train(stage, forecaster)
    await promote(stage, talker)
    await talking.converse(stage)
    await show_lineage(stage, talker)
    return await forecasting.show_skill(stage, forecaster)


STORY = Story(
    name="ocean",
    walk=walk,
    where_next=(
        (f"upwell forecast {FORECASTER} --dataset {FIELD}", "Nino indices of the months to come"),
        (f"upwell datasets pull {CHAT} ./questions", "geoformer_sft.json and features/*.npz"),
        (f"upwell history {TALKER}@1", "both stages"),
    ),
)
