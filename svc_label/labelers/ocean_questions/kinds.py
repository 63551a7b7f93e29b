"""The kinds of questions: which statistics each can be about, and which facts its answers may say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from shared.fields.statistics import FUTURE, HISTORY
from svc_label.labelers.ocean_questions import phrasings
from svc_label.labelers.ocean_questions.phrasings import Phrasings

DIAGNOSIS, FORECAST = "diagnosis", "forecast"
TASKS = (DIAGNOSIS, FORECAST)
# The state of the tropical Pacific is read off these two.
ENSO = ("nino34", "nino3")


@dataclass(frozen=True, slots=True, kw_only=True)
class QuestionKind:
    """One task.

    Args:
        name: short.
        task: `diagnosis` (what the months that are shown hold) or `forecast` (what those that follow hold).
        measures: what its answers can say.
        phrasings: how it is put, by language.
        statistics: which it can be about; empty for all.
    """

    name: str
    task: str
    measures: tuple[str, ...]
    phrasings: Phrasings
    statistics: tuple[str, ...] = ()

    @property
    def part(self) -> str:
        """Where its facts are from."""
        return HISTORY if self.task == DIAGNOSIS else FUTURE

    def about(self, held: Mapping[str, object]) -> tuple[str, ...]:
        """Of the statistics that a dataset holds, those it can be about."""
        return tuple(name for name in sorted(held) if not self.statistics or name in self.statistics)


KINDS = (
    QuestionKind(name="state", task=DIAGNOSIS, measures=("last", "phase"), phrasings=phrasings.STATE, statistics=ENSO),
    QuestionKind(name="peak", task=DIAGNOSIS, measures=("highest_month", "highest"), phrasings=phrasings.EXTREME),
    QuestionKind(
        name="trend", task=DIAGNOSIS, measures=("first", "last", "change", "direction"), phrasings=phrasings.TREND
    ),
    QuestionKind(name="mean", task=DIAGNOSIS, measures=("mean", "side", "lowest", "highest"), phrasings=phrasings.MEAN),
    QuestionKind(
        name="next-trend", task=FORECAST, measures=("last", "change", "direction"), phrasings=phrasings.NEXT_TREND
    ),
    QuestionKind(name="next-peak", task=FORECAST, measures=("highest_month", "highest"), phrasings=phrasings.NEXT_PEAK),
    QuestionKind(name="next-mean", task=FORECAST, measures=("mean", "side"), phrasings=phrasings.NEXT_MEAN),
)
