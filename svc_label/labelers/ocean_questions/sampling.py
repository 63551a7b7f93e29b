"""Draws windows of a field and questions about them; the same seed draws the same ones."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shared.contracts.chat import TEST, TRAIN
from shared.errors import InvalidInputError
from shared.fields.months import month_text
from shared.fields.samples import FieldSample
from shared.fields.statistics import monthly_statistics
from shared.fields.store import Fields
from svc_label.labelers.ocean_questions.asking import Asked, ask
from svc_label.labelers.ocean_questions.kinds import KINDS, QuestionKind
from svc_label.labelers.ocean_questions.parameters import OceanQuestionsParameters

# Windows in which too little is known are drawn again; a field in which that goes on so long has too many of them.
TRIES = 200
# Windows come back to the same months again and again, so fields up to this size are read once.
KEPT_BYTES = 2**28


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """Rows [first, end) of a field, and how many questions are asked about them."""

    name: str
    first: int
    end: int
    samples: int


def first_test_row(months: int, parameters: OceanQuestionsParameters) -> int:
    """The first row that is kept for the test."""
    return months - round(parameters.test_share * months)


def spans_of(months: int, parameters: OceanQuestionsParameters) -> tuple[Span, ...]:
    """The months to learn from, then those of the test.

    Raises:
        InvalidInputError: one of the two is shorter than the shortest window.
    """
    cut = first_test_row(months, parameters)
    tested = min(max(round(parameters.test_share * parameters.samples), 1), parameters.samples) if cut < months else 0
    spans = (
        Span(name=TRAIN, first=0, end=cut, samples=parameters.samples - tested),
        Span(name=TEST, first=cut, end=months, samples=tested),
    )
    shortest = parameters.history[0] + parameters.future[0]
    for span in spans:
        if span.samples and span.end - span.first < shortest:
            reason = (
                f"the shortest window has {shortest} months, and the {span.name} span {span.end - span.first}; take "
                "shorter ones, or another test_share"
            )
            raise InvalidInputError.of("parameters.history", reason)
    return tuple(span for span in spans if span.samples)


class Questions:
    """Draws the questions of a span one after the other.

    Raises:
        InvalidInputError: the field holds nothing of what is asked about.
    """

    def __init__(self, fields: Fields, parameters: OceanQuestionsParameters) -> None:
        self._fields = fields
        self._anomalies = _anomalies_of(fields)
        self._parameters = parameters
        self._kinds = self._askable(self._sample(0, 1, 0))

    def draw(self, span: Span) -> Iterator[Asked]:
        """Its questions.

        Raises:
            InvalidInputError: hardly any window of it is known well enough.
        """
        generator = np.random.default_rng([self._parameters.seed, span.first, span.end])
        for _ in range(span.samples):
            yield self._one(span, generator)

    def _one(self, span: Span, generator: np.random.Generator) -> Asked:
        for _ in range(TRIES):
            try:
                return self._try(span, generator)
            except InvalidInputError as error:
                last = error
        reason = f"of {TRIES} windows in the {span.name} span none will do; the last one {last.violations[0].reason}"
        raise InvalidInputError.of("dataset", reason) from last

    def _try(self, span: Span, generator: np.random.Generator) -> Asked:
        tasks, languages = self._parameters.tasks, self._parameters.languages
        task = tasks[generator.integers(len(tasks))]
        kinds = [kind for kind in self._kinds if kind.task == task]
        kind = kinds[generator.integers(len(kinds))]
        history, future = self._lengths(span.end - span.first, generator)
        first = int(generator.integers(span.first, span.end - history - future + 1))
        language = languages[generator.integers(len(languages))]
        return ask(kind, self._sample(first, history, future), language=language, generator=generator)

    def _lengths(self, room: int, generator: np.random.Generator) -> tuple[int, int]:
        (low, high), (soonest, latest) = self._parameters.history, self._parameters.future
        history = int(generator.integers(low, min(high, room - soonest) + 1))
        return history, int(generator.integers(soonest, min(latest, room - history) + 1))

    def _sample(self, first: int, history: int, future: int) -> FieldSample:
        end = first + history + future
        values_TCYX = self._anomalies(first, end)  # noqa: N806 - ends in its shape
        return FieldSample(
            channels=self._fields.channels,
            history_TCYX=values_TCYX[:history],
            future_FCYX=values_TCYX[history:],
            lat=self._fields.lat,
            lon=self._fields.lon,
            months=tuple(month_text(month) for month in self._fields.months[first:end]),
        )

    def _askable(self, sample: FieldSample) -> tuple[QuestionKind, ...]:
        held, wanted = monthly_statistics(sample), self._parameters
        kinds = tuple(kind for kind in KINDS if kind.about(held) and kind.name in wanted.questions)
        if not all(any(kind.task == task for kind in kinds) for task in wanted.tasks):
            reason = (
                f"has the channels {', '.join(sample.channels)}, which the questions {', '.join(wanted.questions)} are "
                "not about: they are about sst, taux and tauy on a grid that holds their boxes"
            )
            raise InvalidInputError.of("dataset", reason)
        return kinds


def _anomalies_of(fields: Fields) -> Callable[[int, int], NDArray[np.float32]]:
    """Gives the rows [first, end) of all channels: [months, channels, lat, lon]."""
    size_bytes = len(fields.months) * len(fields.channels) * fields.land.size * np.dtype(np.float32).itemsize
    if size_bytes > KEPT_BYTES:
        return lambda first, end: fields.stacked_anomalies(first=first, end=end)
    everything = fields.stacked_anomalies()
    return lambda first, end: everything[first:end]
