"""One question about one window, and its answer with what every part of it is computed from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from string import Formatter

import numpy as np

from shared.fields.answers import Fact, fact_of, facts_to_text
from shared.fields.samples import FieldSample
from shared.fields.statistics import Monthly, is_wind, monthly_statistics
from shared.fields.wording import DEGREES, NAMES, STRESS
from svc_label.labelers.ocean_questions.kinds import QuestionKind


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Asked:
    """A question with its answer; the sample holds the facts of the answer in their order."""

    question: str
    answer: str
    sample: FieldSample


def ask(kind: QuestionKind, sample: FieldSample, *, language: str, generator: np.random.Generator) -> Asked:
    """Put a question of the kind about the sample.

    Raises:
        InvalidInputError: in this window too little is known of the statistic that was drawn.
    """
    monthly = monthly_statistics(sample)
    about = kind.about(monthly)
    statistic = about[generator.integers(len(about))]
    phrasing = kind.phrasings[language]
    question = phrasing.questions[generator.integers(len(phrasing.questions))]
    answer = phrasing.answers[generator.integers(len(phrasing.answers))]
    facts = _facts(answer, kind, statistic, monthly=monthly, sample=sample, language=language)
    named = {"statistic": NAMES[statistic][language], "unit": STRESS if is_wind(statistic) else DEGREES}
    return Asked(
        question=question.format(**named, **_window(sample)),
        answer=answer.format(**named, **{measure: fact.said for measure, fact in facts.items()}),
        sample=replace(sample, facts=facts_to_text(tuple(facts.values()))),
    )


def _facts(
    answer: str, kind: QuestionKind, statistic: str, *, monthly: Monthly, sample: FieldSample, language: str
) -> dict[str, Fact]:
    """The facts that the answer has places for, in their order."""
    places = [name for _, name, _, _ in Formatter().parse(answer) if name in kind.measures]
    return {
        measure: fact_of(statistic, kind.part, measure, monthly=monthly, sample=sample, language=language)
        for measure in places
    }


def _window(sample: FieldSample) -> Mapping[str, object]:
    return {
        "months": sample.history,
        "ahead": len(sample.future_FCYX),
        "first": sample.months[0],
        "last": sample.months[sample.history - 1],
    }
