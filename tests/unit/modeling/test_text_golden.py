from __future__ import annotations

import pytest

from shared.modeling.text.golden import differences, golden_inputs

ANSWER = {"prompt": [1, 2, 3], "scores": [0.5, 0.25], "tokens": [7, 8, 9], "margins": [0.4, 0.3, 0.2]}


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ({}, []),
        ({"scores": [0.5, 0.2505]}, []),
        ({"scores": [0.5, 0.26]}, ["a probability is off by 0.01, tolerated is 0.001"]),
        ({"prompt": [1, 2]}, ["the prompt became 2 other tokens, not the 3 of then"]),
        ({"tokens": [7, 5, 9]}, ["token 1 of the answer is 5, not 8"]),
        ({"tokens": [7, 8]}, ["the answer has 2 tokens, not 3"]),
    ],
)
def test_what_differs_is_told(change, found):
    assert differences(ANSWER, {**ANSWER, **change}, tolerance=1e-3) == found


def test_what_follows_a_near_tie_is_another_answer():
    near = {**ANSWER, "margins": [0.4, 0.0005, 0.2]}
    assert differences(near, {**ANSWER, "tokens": [7, 5, 1]}, tolerance=1e-3) == []
    assert differences(near, {**ANSWER, "tokens": [6, 8, 9]}, tolerance=1e-3) != []


def test_the_golden_inputs_are_questions():
    assert all(one["messages"][-1]["role"] == "user" for one in golden_inputs())
