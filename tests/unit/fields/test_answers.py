from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from shared.errors import InvalidInputError
from shared.fields.answers import Fact, Score, fact_of, facts_of_text, facts_to_text, score_of, spoken_numbers, untrue
from shared.fields.samples import FieldSample
from shared.fields.statistics import monthly_statistics
from shared.fields.wording import SAID
from tests.support.oceans import ocean_sample


def uniform(history: list[float], future: list[float], channels: tuple[str, ...] = ("sst",)) -> FieldSample:
    """Every place of every channel has the month's value."""
    sample = ocean_sample(history=len(history), future=len(future), channels=channels)
    filled = np.broadcast_to(
        np.array(history + future, np.float32)[:, None, None, None], sample.all_months_TCYX.shape
    ).copy()
    return replace(sample, history_TCYX=filled[: len(history)], future_FCYX=filled[len(history) :])


SAMPLE = uniform([0.1, 0.44, -0.2, 0.7], [0.8, 1.3, 0.9])


def said(measure: str, part: str = "history", sample: FieldSample = SAMPLE, statistic: str = "nino34") -> str:
    monthly = monthly_statistics(sample)
    return fact_of(statistic, part, measure, monthly=monthly, sample=sample, language="en").said


@pytest.mark.parametrize(
    ("measure", "history", "future"),
    [
        ("first", "+0.1", "+0.8"),
        ("last", "+0.7", "+0.9"),
        ("mean", "+0.3", "+1.0"),
        ("highest", "+0.7", "+1.3"),
        ("lowest", "-0.2", "+0.8"),
        ("change", "+0.6", "+0.2"),
        ("highest_month", "2001-04", "2001-06"),
        ("lowest_month", "2001-03", "2001-05"),
        ("direction", "rises", "rises"),
        ("phase", "El Nino", "El Nino"),
        ("side", "above normal", "above normal"),
    ],
)
def test_measures(measure: str, history: str, future: str) -> None:
    assert (said(measure), said(measure, "future")) == (history, future)


def test_words_never_contradict_the_number_that_is_said() -> None:
    still = uniform([0.31, 0.28], [0.26])
    assert (said("change", sample=still), said("direction", sample=still)) == ("0.0", "stays level")
    assert said("phase", sample=uniform([0.0, 0.46], [])) == "El Nino"  # it is said as +0.5
    assert said("phase", sample=uniform([0.0, -0.52], [])) == "La Nina"


@pytest.mark.parametrize(
    ("first", "last", "change", "direction"),
    [(0.14, 0.26, "+0.2", "rises"), (0.16, 0.24, "0.0", "stays level"), (0.14, 0.16, "+0.1", "rises")],
)
def test_first_last_and_change_add_up_as_they_are_said(first: float, last: float, change: str, direction: str) -> None:
    for part, sample in (("history", uniform([first, last], [])), ("future", uniform([9, first], [9, last]))):
        assert (said("change", part, sample), said("direction", part, sample)) == (change, direction)


def test_wind_is_said_in_thousandths() -> None:
    windy = uniform([0.01234, -0.0111], [], channels=("taux",))
    assert said("last", sample=windy, statistic="taux_nino4") == "-0.011"
    assert sorted(monthly_statistics(windy)) == ["taux_nino34", "taux_nino4"]


def test_the_mean_of_the_grid_is_by_area() -> None:
    sample = uniform([0.0], [])
    sample.history_TCYX[0, 0, 2] = 1  # the equator, one of five rows
    weights = np.cos(np.radians(sample.lat))
    assert monthly_statistics(sample)["sst_mean"][0] == pytest.approx(weights[2] / weights.sum())


def test_what_is_not_known_is_not_said() -> None:
    sample = uniform([0.1, 0.2], [])
    sample.history_TCYX[0] = np.nan
    with pytest.raises(InvalidInputError, match="does not hold nino34 in all months of the history"):
        said("last", sample=sample)
    with pytest.raises(InvalidInputError, match="does not hold taux_nino4"):
        said("last", statistic="taux_nino4")
    with pytest.raises(InvalidInputError, match="does not hold nino34 in all months of the future"):
        said("last", "future", sample=uniform([0.1], []))


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("The Nino3.4 index rises to +0.8 °C in 2009-11, by 0.4.", ["+0.8", "2009-11", "0.4"]),
        ("Nino1+2指数在2009-11达到-1.2 °C。", ["2009-11", "-1.2"]),
        ("Nino4区纬向风应力距平为0.012 N/m²，变化12", ["0.012", "12"]),
        ("no number: a4, x1.5, 3a", ["3"]),
        ("5. and 6", ["5", "6"]),
    ],
)
def test_numbers_are_found_and_names_are_none(text: str, numbers: list[str]) -> None:
    assert spoken_numbers(text) == numbers


FACTS = (
    Fact(statistic="nino34", part="history", measure="direction", said="rises"),
    Fact(statistic="nino34", part="history", measure="first", said="+0.1"),
    Fact(statistic="nino34", part="history", measure="highest_month", said="2001-04"),
)


def test_a_true_answer_and_every_way_of_being_untrue() -> None:
    sample = replace(SAMPLE, facts=facts_to_text(FACTS))
    answer = "The Nino3.4 index rises: from +0.1 °C, with its peak in 2001-04."
    assert untrue(answer, sample, "x") == []
    assert "numbers +0.2, 2001-04; its" in untrue(answer.replace("+0.1", "+0.2"), sample, "x")[0]
    assert "numbers +0.1, 2001-05; " in untrue(answer.replace("2001-04", "2001-05"), sample, "x")[0]
    assert "does not say 'rises'" in untrue(answer.replace("rises", "falls"), sample, "x")[0]
    assert "says the opposite too" in untrue(answer + " It falls.", sample, "x")[0]
    assert "the answer says the numbers" in untrue(answer + " 7 months.", sample, "x")[0]


def test_a_fact_that_was_written_down_proves_nothing() -> None:
    forged = replace(FACTS[1], said="+0.9")
    sample = replace(SAMPLE, facts=facts_to_text((forged,)))
    assert untrue("It was +0.9 °C.", sample, "x") == ["first of nino34 (history) is +0.1, not +0.9"]


def test_a_change_that_was_rounded_on_its_own_is_untrue() -> None:
    facts = (Fact(statistic="nino34", part="history", measure="change", said="+0.1"),)
    sample = replace(uniform([0.14, 0.26], []), facts=facts_to_text(facts))
    assert untrue("It rose by +0.1 °C.", sample, "x") == ["change of nino34 (history) is +0.2, not +0.1"]


@pytest.mark.parametrize("text", ["", "{}x", '[{"statistic": "nino34"}]', "[1]", "7"])
def test_facts_that_are_none(text: str) -> None:
    with pytest.raises(InvalidInputError, match="facts: line 3: are no list of facts"):
        facts_of_text(text, "line 3")


def test_facts_of_something_else() -> None:
    text = facts_to_text([replace(FACTS[0], measure="colour")])
    with pytest.raises(InvalidInputError, match="there is no 'colour' of the 'history'"):
        facts_of_text(text, "line 3")


@pytest.mark.parametrize(
    ("text", "numbers", "trends"),
    [
        ("rises from +0.1 to 2001-04", 2, 1),
        ("rises from 0.3 to 2001-05", 1, 1),  # 0.2 off is within the tolerance, another month is not
        ("falls from +0.4 to 2001-04", 1, 0),
        ("rises and falls", 0, 0),
        ("2001-04", 0, 0),
        ("", 0, 0),
    ],
)
def test_scores(text: str, numbers: int, trends: int) -> None:
    assert score_of(text, FACTS, degrees=0.2, stress=0.005) == Score(
        right_numbers=numbers, numbers=2, right_trends=trends, trends=1
    )


def test_no_word_is_part_of_another_of_its_measure() -> None:
    for computed in SAID.values():
        words = [word for by_language in computed.values() for word in by_language.values()]
        assert not [(a, b) for a in words for b in words if a != b and a in b]
