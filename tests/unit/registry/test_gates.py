"""What a gate lets through, and in what words it refuses."""

from __future__ import annotations

from math import inf, nan

import pytest

from shared.errors import InvalidInputError
from svc_registry.domain.gates import (
    MAX_CONDITIONS,
    Comparison,
    Condition,
    Measured,
    checked_conditions,
    failed_conditions,
)

AT_LEAST, AT_MOST = Comparison.AT_LEAST, Comparison.AT_MOST
BETTER, NOT_WORSE = Comparison.BETTER_THAN_HOLDER, Comparison.NOT_WORSE_THAN_HOLDER


def condition(comparison: Comparison, value: float = 0.0, *, metric: str = "f1", **more) -> Condition:
    return Condition(metric=metric, comparison=comparison, value=value, **more)


def refusals(asked: Condition, candidate: dict[str, float], holder: dict[str, float] | None = None) -> tuple[str, ...]:
    return failed_conditions(
        [asked],
        Measured(name="pump@2", metrics=candidate),
        None if holder is None else Measured(name="pump@1", metrics=holder),
    )


@pytest.mark.parametrize(
    ("asked", "value", "held"),
    [
        (condition(AT_LEAST, 0.6), 0.6, None),
        (condition(AT_LEAST, -3), -2.5, None),
        (condition(AT_MOST, 0.1), 0.1, None),
        (condition(BETTER), 0.61, 0.6),
        (condition(BETTER, 0.05), 0.66, 0.6),
        (condition(BETTER, smaller_is_better=True), 0.59, 0.6),
        (condition(BETTER), 0.0, None),
        (condition(NOT_WORSE), 0.6, 0.6),
        (condition(NOT_WORSE, 0.1), 0.2, 0.3),  # 0.3 - 0.2 is more than 0.1 by rounding alone
        (condition(NOT_WORSE, 0.1, smaller_is_better=True), 0.7, 0.6),
        (condition(NOT_WORSE), 0.0, None),
    ],
)
def test_what_is_met(asked: Condition, value: float, held: float | None) -> None:
    assert refusals(asked, {"f1": value}, None if held is None else {"f1": held}) == ()


@pytest.mark.parametrize(
    ("asked", "value", "held", "words"),
    [
        (condition(AT_LEAST, 0.6), 0.5999999, None, "f1 is 0.5999999: at least 0.6 is asked for"),
        (condition(AT_MOST, 0.1), 0.2, None, "f1 is 0.2: at most 0.1 is asked for"),
        (condition(BETTER), 0.6, 0.6, "f1 is 0.6: better than the 0.6 of pump@1 is asked for"),
        (condition(BETTER, 0.1), 0.7, 0.6, "f1 is 0.7: better by more than 0.1 than the 0.6 of pump@1 is asked for"),
        (condition(BETTER, smaller_is_better=True), 0.7, 0.6, "f1 is 0.7: better than the 0.6 of pump@1 is asked for"),
        (condition(NOT_WORSE), 0.5, 0.6, "f1 is 0.5: no worse than the 0.6 of pump@1 is asked for"),
        (
            condition(NOT_WORSE, 0.05, smaller_is_better=True),
            0.7,
            0.6,
            "f1 is 0.7: no more than 0.05 worse than the 0.6 of pump@1 is asked for",
        ),
    ],
)
def test_what_is_not_met_is_said(asked: Condition, value: float, held: float | None, words: str) -> None:
    assert refusals(asked, {"f1": value}, None if held is None else {"f1": held}) == (words,)


@pytest.mark.parametrize("comparison", list(Comparison))
@pytest.mark.parametrize("metrics", [{}, {"f1": nan}, {"f1": inf}, {"f1": -inf}])
def test_what_is_no_number_meets_nothing(comparison: Comparison, metrics: dict[str, float]) -> None:
    assert refusals(condition(comparison), metrics, {"f1": 0.5}) == ("f1: pump@2 has no such number",)
    assert refusals(condition(comparison), metrics) == ("f1: pump@2 has no such number",)


@pytest.mark.parametrize("held", [{}, {"f1": nan}])
def test_a_holder_without_the_number_cannot_be_beaten(held: dict[str, float]) -> None:
    (words,) = refusals(condition(BETTER), {"f1": 0.9}, held)
    assert words == "f1: pump@1, which holds the alias, has no such number to compare with"
    assert refusals(condition(AT_LEAST, 0.5), {"f1": 0.9}, held) == ()


def test_too_small_an_evaluation_meets_nothing() -> None:
    asked = condition(AT_LEAST, 0.5, size_metric="eval_windows", minimum_size=100)
    assert refusals(asked, {"f1": 0.9, "eval_windows": 100}) == ()
    assert refusals(asked, {"f1": 0.9, "eval_windows": 99}) == ("eval_windows is 99: 100 is the least for f1",)
    assert refusals(asked, {"f1": 0.9}) == ("eval_windows: pump@2 does not say how much it was evaluated on",)
    assert refusals(asked, {"f1": 0.4, "eval_windows": 100}) == ("f1 is 0.4: at least 0.5 is asked for",)


def test_every_condition_that_fails_is_named() -> None:
    asked = [condition(AT_LEAST, 0.5), condition(AT_MOST, 0.1, metric="loss"), condition(AT_LEAST, 1, metric="recall")]
    failed = failed_conditions(asked, Measured(name="泵@2", metrics={"f1": 0.4, "loss": 0.05}), None)
    assert [words.split()[0] for words in failed] == ["f1", "recall:"]
    assert "泵@2" in failed[1]


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        (condition(AT_LEAST, metric=""), "metric"),
        (condition(AT_LEAST, metric=" f1"), "metric"),
        (condition(AT_LEAST, metric="f" * 101), "metric"),
        (condition(AT_LEAST, nan), "value"),
        (condition(AT_MOST, inf), "value"),
        (condition(NOT_WORSE, -0.1), "value"),
        (condition(AT_LEAST, size_metric="rows"), "size_metric"),
        (condition(AT_LEAST, minimum_size=3), "size_metric"),
        (condition(AT_LEAST, size_metric="rows", minimum_size=-1), "minimum_size"),
        (condition(AT_LEAST, size_metric="rows", minimum_size=nan), "minimum_size"),
    ],
)
def test_a_condition_that_makes_no_sense_is_refused(wrong: Condition, field: str) -> None:
    with pytest.raises(InvalidInputError) as refused:
        checked_conditions([condition(AT_LEAST), wrong])
    assert refused.value.violations[0].field == f"conditions[1].{field}"


@pytest.mark.parametrize("count", [0, MAX_CONDITIONS + 1])
def test_a_gate_has_some_conditions_and_not_too_many(count: int) -> None:
    with pytest.raises(InvalidInputError, match=f"{count} conditions"):
        checked_conditions([condition(AT_LEAST)] * count)
