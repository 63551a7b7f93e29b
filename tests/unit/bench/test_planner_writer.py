"""What a writer of plans is told, which plan its text is, and what its texts are worth."""

from __future__ import annotations

import re

import numpy as np
import pytest

from bench.planner_contenders import Contender
from bench.planner_world import grid_profile
from bench.planner_writer import config_of, plan_text, question_of
from shared.planning.demand import Demand
from shared.planning.oracle import room
from shared.planning.states import draw_use
from shared.planning.values import PlanInput
from svc_train.recipes.planner.data import LabelledPlan, PlanData

PROFILE = grid_profile()
CAPACITY = np.array([40.0, 160.0, 120.0, 80.0])
IDLE = PlanInput(id="1", task="sort it", used=np.zeros((4, 4), dtype=np.float32))


def test_each_plan_is_found_again_in_its_text() -> None:
    assert all(config_of(plan_text(PROFILE, number), PROFILE) == number for number in range(0, 1701, 7))


@pytest.mark.parametrize(
    ("found", "instead"),
    [("16}", "17}"), ("embed-text", "embed-tea"), ('"input_size": 4, ', ""), ("}", ""), ("4,", '"four",')],
)
def test_a_text_that_is_no_plan(found: str, instead: str) -> None:
    text = '{"tool": "embed-text", "input_size": 4, "cpu_cores": 8, "memory_gb": 32, "gpu_sm": 32, "gpu_memory_gb": 16}'
    assert config_of(f" {text}\n", PROFILE) is not None
    assert config_of(text.replace(found, instead), PROFILE) is None


@pytest.mark.parametrize("window", [1, 16])
def test_the_question_holds_what_the_oracle_looks_at(window: int) -> None:
    used = draw_use(np.random.default_rng(1), window, CAPACITY)
    question = question_of(PlanInput(id="1", task="sort it", used=used), CAPACITY)
    assert question.startswith("Task: sort it\n")
    now, following = np.array(re.findall(r"(-?\d+\.\d)", question), dtype=float).reshape(2, 4)
    np.testing.assert_allclose(np.minimum(now, following), room(used, CAPACITY), atol=0.051)


def test_what_is_no_plan_is_neither_exact_nor_fits() -> None:
    plan = LabelledPlan(asked=IDLE, tool_id=0, config_id=5, is_feasible=True)
    data = PlanData(train=(), held_out=(plan,) * 4, demand=Demand(PROFILE, CAPACITY), window=4)
    writer = Contender(name="writer", answers=lambda _: ("", 0), is_scored=True)
    for chosen in (5, None, 5, None):
        writer.config_ids.append(chosen)
        writer.ms.append(3.0)
        writer.tokens.append(9)
    assert writer.row(data) == ["writer", 3.0, 3.0, "50%", "50.0%", "50.0%", 0.0, 9.0]
    writer.config_ids[:] = [None] * 4
    assert writer.row(data)[3:] == ["0%", "0.0%", "0.0%", "-", 9.0]
