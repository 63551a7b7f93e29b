"""What a planner's choices are worth."""

from __future__ import annotations

import numpy as np
import pytest

from shared.planning.demand import Demand
from shared.planning.profile import Profile, Tool
from shared.planning.values import PlanInput
from svc_train.recipes.planner.data import LabelledPlan
from svc_train.recipes.planner.evaluate import score

CAPACITY = np.array([10.0, 10.0, 0.0, 0.0])
SLOW, FAST, SLOWEST, OTHER = range(4)


@pytest.fixture
def demand() -> Demand:
    """Three configurations for one job, and one of another tool."""
    rows = [[1, 2, 1, 0, 0, 100], [1, 8, 1, 0, 0, 50], [1, 1, 1, 0, 0, 200], [1, 1, 1, 0, 0, 10]]
    return Demand(
        Profile(
            tools=(Tool(name="sort", description="Orders."), Tool(name="join", description="Joins.")),
            tool_ids=np.array([0, 0, 0, 1], dtype=np.int32),
            numbers=np.array(rows, dtype=np.float64),
        ),
        CAPACITY,
    )


def plan(best: int, *, cores_used: float, is_feasible: bool = True) -> LabelledPlan:
    """A plan for the job, with so many cores in use all the time."""
    used = np.tile(np.array([cores_used, 0, 0, 0], dtype=np.float32), (4, 1))
    asked = PlanInput(id="1", task="sort it", used=used)
    return LabelledPlan(asked=asked, tool_id=0, config_id=best, is_feasible=is_feasible)


@pytest.mark.parametrize(
    ("chosen", "tool", "exact", "fitting", "regret_ms", "regret_percent"),
    [
        pytest.param(SLOW, 1, 1, 1, 0, 0, id="the best that fits"),
        pytest.param(SLOWEST, 1, 0, 1, 100, 100, id="one that fits and is slower"),
        pytest.param(FAST, 1, 0, 0, 100, 100, id="one that does not fit is charged with the slowest"),
        pytest.param(OTHER, 0, 0, 1, 100, 100, id="one that fits, for another job, too"),
    ],
)
def test_a_choice(  # noqa: PLR0917 - one case a row
    demand: Demand, chosen: int, tool: float, exact: float, fitting: float, regret_ms: float, regret_percent: float
) -> None:
    assert score([chosen], [plan(SLOW, cores_used=5)], demand) == {
        "tool_accuracy": tool,
        "config_accuracy": exact,
        "fitting": fitting,
        "regret_ms": regret_ms,
        "regret_percent": regret_percent,
    }


def test_where_nothing_fits_the_choice_costs_nothing(demand: Demand) -> None:
    full = plan(SLOWEST, cores_used=10, is_feasible=False)
    assert score([FAST], [full], demand) == {"tool_accuracy": 1, "config_accuracy": 0}
    both = score([FAST, SLOW], [full, plan(SLOW, cores_used=5)], demand)
    assert both == {"tool_accuracy": 1, "config_accuracy": 0.5, "fitting": 1, "regret_ms": 0, "regret_percent": 0}
