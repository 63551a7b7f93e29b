"""Answers about fields, number by number: what each one is computed from, and whether a text says the same.

A fact names a statistic, the part of the months it is about and the measure, and holds what the answer says: a number,
a month or a word. A sample's answer says its facts in their order and no other number, so all of it can be computed
again from the sample alone.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass

from shared.contracts.canonical import canonical_json
from shared.errors import InvalidInputError
from shared.fields.samples import FieldSample
from shared.fields.statistics import (
    FUTURE,
    HISTORY,
    MONTHS,
    NUMBERS,
    WORDS,
    Monthly,
    is_wind,
    monthly_statistics,
    window_of,
)
from shared.fields.wording import CHINESE, ENGLISH, opposites, word

# A month, or a number that is no part of a name such as Nino3.4 or Nino1+2.
SPOKEN = re.compile(r"(?<![A-Za-z0-9.+])(?:\d{4}-\d{2}(?!\d)|[+-]?\d+(?:\.\d+)?(?![0-9]))")


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """One thing an answer says.

    Args:
        statistic: see `monthly_statistics`.
        part: `history` or `future`.
        measure: one of `NUMBERS`, `MONTHS` and `WORDS` of `statistics.py`.
        said: as the answer has it: `+0.8`, `2009-11`, `rises`.
    """

    statistic: str
    part: str
    measure: str
    said: str

    @property
    def is_word(self) -> bool:
        """Neither a number nor a month."""
        return self.measure in WORDS


def fact_of(statistic: str, part: str, measure: str, *, monthly: Monthly, sample: FieldSample, language: str) -> Fact:
    """Compute one thing and say it.

    Raises:
        InvalidInputError: the sample does not hold the statistic in all months of that part.
    """
    window = window_of(statistic, monthly, sample) if statistic in monthly else None
    values = window.part(part) if window else ()
    if window is None or not len(values) or not all(map(math.isfinite, (*values, window.history[-1]))):
        raise InvalidInputError.of("sample", f"does not hold {statistic} in all months of the {part}")
    if measure in NUMBERS:
        number = window.rounded(NUMBERS[measure](window, part))
        said = f"{number:+.{window.decimals}f}" if number else f"{0:.{window.decimals}f}"
    elif measure in MONTHS:
        said = MONTHS[measure](window, part)
    else:
        said = word(measure, WORDS[measure](window, part), language)
    return Fact(statistic=statistic, part=part, measure=measure, said=said)


def spoken_numbers(text: str) -> list[str]:
    """The numbers and months that a text says, in their order; names such as Nino3.4 hold none."""
    return SPOKEN.findall(text)


def language_of(text: str) -> str:
    """Chinese where the text has a Chinese character."""
    return CHINESE if re.search(r"[\u4e00-\u9fff]", text) else ENGLISH


def facts_to_text(facts: Sequence[Fact]) -> str:
    """JSON, for a sample."""
    return canonical_json([asdict(fact) for fact in facts]).decode()


def facts_of_text(text: str, place: str) -> tuple[Fact, ...]:
    """The facts that a sample holds; InvalidInputError when they are none."""
    try:
        facts = tuple(Fact(**{name: str(value) for name, value in row.items()}) for row in json.loads(text))
    except (ValueError, TypeError, AttributeError) as error:
        raise InvalidInputError.of("facts", f"{place}: are no list of facts: {error}") from error
    for fact in facts:
        if fact.part not in (HISTORY, FUTURE) or fact.measure not in {**NUMBERS, **MONTHS, **WORDS}:
            raise InvalidInputError.of("facts", f"{place}: there is no {fact.measure!r} of the {fact.part!r}")
    return facts


def untrue(answer: str, sample: FieldSample, place: str) -> list[str]:
    """What an answer says otherwise than the sample, each in a sentence; empty when every number is right.

    Everything is computed again from the sample's months; that a fact was written down proves nothing.

    Raises:
        InvalidInputError: the sample's facts cannot be read, or it does not hold what they speak of.
    """
    facts = facts_of_text(sample.facts, place)
    language = language_of(answer)
    monthly = monthly_statistics(sample)
    found = []
    for fact in facts:
        again = fact_of(fact.statistic, fact.part, fact.measure, monthly=monthly, sample=sample, language=language).said
        if again != fact.said:
            found.append(f"{fact.measure} of {fact.statistic} ({fact.part}) is {again}, not {fact.said}")
    found += _words_missing(answer, facts)
    said, wanted = spoken_numbers(answer), [fact.said for fact in facts if not fact.is_word]
    if said != wanted:
        found.append(f"the answer says the numbers {_listed(said)}; its facts are {_listed(wanted)}")
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """How much of what there was to say a text says: numbers and months, and trends; both of how many."""

    right_numbers: int
    numbers: int
    right_trends: int
    trends: int


def score_of(text: str, facts: Sequence[Fact], *, degrees: float, stress: float) -> Score:
    """Compare a text with the facts, number by number in their order; a number that is not said is wrong.

    Args:
        text: any answer.
        facts: what is true.
        degrees: by how many degrees C a number may be off and be right; months must be equal.
        stress: the same in N m-2.
    """
    due = [fact for fact in facts if not fact.is_word]
    said = spoken_numbers(text)
    trends = [fact for fact in facts if fact.measure == "direction"]
    return Score(
        right_numbers=sum(
            _agrees(number, fact, stress if is_wind(fact.statistic) else degrees)
            for number, fact in zip(said, due, strict=False)
        ),
        numbers=len(due),
        right_trends=sum(_says(text, fact) for fact in trends),
        trends=len(trends),
    )


def total(scores: Iterable[Score]) -> Score:
    """All together."""
    all_scores = tuple(scores)
    return Score(**{name: sum(getattr(one, name) for one in all_scores) for name in Score.__slots__})


def _listed(numbers: Sequence[str]) -> str:
    return ", ".join(numbers) or "(none)"


def _agrees(said: str, fact: Fact, tolerance: float) -> bool:
    if fact.measure in MONTHS:
        return said == fact.said
    # A month that stands where a number is due is none.
    return "-" not in said[1:] and abs(float(said) - float(fact.said)) <= tolerance + 1e-9


def _says(text: str, fact: Fact) -> bool:
    return fact.said in text and not any(other in text for other in opposites(fact.measure, fact.said))


def _words_missing(answer: str, facts: Sequence[Fact]) -> list[str]:
    return [
        f"the answer does not say {fact.said!r} for the {fact.measure} of {fact.statistic}, or says the opposite too"
        for fact in facts
        if fact.is_word and not _says(answer, fact)
    ]
