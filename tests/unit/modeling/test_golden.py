from __future__ import annotations

import json
import re

import numpy as np
import pytest

from shared.modeling.series.golden import differences, golden_inputs, parse_golden_input

SURE = {"segments": [[10, 20, "x", "spike", 0.9]], "scores": [[0.1], [0.9]]}


def _differences(certified, answered, *, tolerance: float = 0.01) -> list[str]:
    return differences(certified, answered, tolerance=tolerance, threshold=0.5)


def test_equal_answers_agree():
    assert _differences(SURE, SURE) == []


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"scores": [[0.1], [0.8]]}, "a score is off by 0.1, tolerated is 0.01"),
        ({"scores": [[0.1]]}, "scores have the shape"),
        ({"segments": []}, r"no 'spike' in rows \[10, 20\) of 'x'"),
        ({"segments": [[10, 20, "x", "drift", 0.9]]}, "no 'spike'"),
        ({"segments": [[10, 20, "y", "spike", 0.9]]}, "no 'spike'"),
        ({"segments": [[20, 30, "x", "spike", 0.9]]}, "no 'spike'"),
        ({"segments": [[10, 20, "x", "spike", 0.9], [50, 51, "x", "spike", 0.6]]}, "a new 'spike'"),
    ],
)
def test_other_decisions_and_other_scores_are_named(changes, reason: str):
    assert any(re.search(reason, found) for found in _differences(SURE, {**SURE, **changes}))


def test_within_the_tolerance_of_the_threshold_rounding_may_decide():
    hesitant = {**SURE, "segments": [*SURE["segments"], [50, 51, "x", "spike", 0.505]]}
    assert _differences(SURE, hesitant) == []
    assert _differences(hesitant, SURE) == []
    assert _differences(SURE, hesitant, tolerance=0.001) != []


def test_a_boundary_may_move_by_rounding():
    assert _differences(SURE, {**SURE, "segments": [[9, 21, "x", "spike", 0.9]]}) == []


def test_golden_inputs_are_json_with_holes_and_come_back_as_series():
    for body in json.loads(json.dumps(golden_inputs(), allow_nan=False)):
        series = parse_golden_input(body)
        assert series.values.shape[1] == len(series.channels)
    assert any(np.isnan(parse_golden_input(body).values).any() for body in golden_inputs())
