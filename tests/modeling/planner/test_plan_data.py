"""Plans that are not what they should be: each refusal names the row."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from shared.errors import IntegrityError, InvalidInputError
from shared.planning.plans import PLANS_FILE
from svc_train.recipes.planner.config import PlannerConfig, tiny
from svc_train.recipes.planner.data import PlanData, read_data
from tests.modeling.planner.plans import WINDOW, change, job, plans_source, small_profile


@pytest.fixture
def source(tmp_path: Path):
    return plans_source(tmp_path, small_profile(), samples=20)


def _read(source, config: PlannerConfig | None = None) -> PlanData:
    given = config or tiny()
    return read_data(job(source.folder, source.folder, source, given), given)


def test_plans_are_split_and_limited_as_they_say(source):
    data = _read(source)
    assert (len(data.train), len(data.held_out), data.window) == (16, 4, WINDOW)
    assert (len(_read(source, PlannerConfig(limit_train=3, limit_eval=2)).train)) == 3


def test_where_nothing_fits_the_least_demanding_configuration_is_to_be_chosen(source):
    change(source, 2, config_id=-1, tool_id=1, input_size=4.0, latency_ms=float("nan"))
    plan = _read(source).train[2]
    assert (plan.is_feasible, plan.config_id) == (False, 12)


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"tool_id": 2}, "the tool_id is 2; the profile has 2 tools"),
        ({"config_id": 16}, "the config_id is 16; the profile has 16 configurations"),
        ({"config_id": 0, "tool_id": 1}, "the config_id 0 is not of the tool 1"),
        ({"split": "dev"}, "the split is 'dev'; there are train, test"),
        ({"task": " "}, "task: is empty"),
        ({"used": [float("nan")] * WINDOW * 4}, "is not a finite number"),
        ({"used": [1e6] * WINDOW * 4}, "1e\\+06 at time 0 is above the capacity planned for"),
        ({"used": [1.0] * 8}, "used holds 8 numbers, not 32 as in the rows before"),
        ({"config_id": -1, "input_size": 3.0}, "3.0 was not profiled for the tool"),
    ],
)
def test_a_wrong_row_is_named(source, values, told: str):
    change(source, 4, **values)
    with pytest.raises(InvalidInputError, match=rf"plans\.parquet:5: .*{told}"):
        _read(source)


def test_absent_parts_are_named(source):
    with pytest.raises(InvalidInputError, match="says no capacity from 0 up of each of cpu_cores"):
        _read(replace(source, meta={}))
    table = pq.read_table(source.folder / PLANS_FILE)
    pq.write_table(table.drop_columns(["task"]), source.folder / PLANS_FILE)
    with pytest.raises(InvalidInputError, match=r"the column task of plans\.parquet is missing"):
        _read(source)
    wrong = table.set_column(table.column_names.index("used"), "used", pa.array(np.zeros(20)))
    pq.write_table(wrong, source.folder / PLANS_FILE)
    with pytest.raises(InvalidInputError, match=r"the column used of plans\.parquet is double"):
        _read(source)
    (source.folder / PLANS_FILE).write_text("no parquet")
    with pytest.raises(InvalidInputError, match=r"plans\.parquet of 'small-plans' is no Parquet file"):
        _read(source)
    (source.folder / "tools.json").unlink()
    with pytest.raises(IntegrityError, match="do not hold a profile"):
        _read(source)
