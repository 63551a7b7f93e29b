"""Gates: what a model version must show before an alias may name it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from math import isclose, isfinite

from shared.errors import InvalidInputError

MAX_CONDITIONS = 32
MAX_METRIC_CHARACTERS = 100


class Comparison(StrEnum):
    """What a metric is compared with: a number, or the same metric of the version that holds the alias."""

    AT_LEAST = "at_least"
    AT_MOST = "at_most"
    BETTER_THAN_HOLDER = "better_than_holder"
    NOT_WORSE_THAN_HOLDER = "not_worse_than_holder"

    @property
    def speaks_of_holder(self) -> bool:
        """Whether the version that holds the alias is asked."""
        return self in {Comparison.BETTER_THAN_HOLDER, Comparison.NOT_WORSE_THAN_HOLDER}


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """One demand on one metric.

    Attributes:
        metric: the metric's name.
        comparison: what it is compared with.
        value: the number itself; against a holder, the margin to be better by, or the tolerance to be worse by.
        smaller_is_better: as for a loss; only read where a holder is asked.
        size_metric: the metric that counts what was evaluated, e.g. `held_out_rows`; empty asks for no size.
        minimum_size: the least it may count.
    """

    metric: str
    comparison: Comparison
    value: float = 0.0
    smaller_is_better: bool = False
    size_metric: str = ""
    minimum_size: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """What a version must show before an alias of a model may name it: all of the conditions."""

    model: str
    alias: str
    conditions: tuple[Condition, ...]
    set_by: str
    set_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """A model version as a gate sees it; `name` is what people call it."""

    name: str
    metrics: Mapping[str, float]


def checked_conditions(conditions: Sequence[Condition]) -> tuple[Condition, ...]:
    """The conditions themselves; InvalidInputError names the field of the first one that makes no sense."""
    if not 0 < len(conditions) <= MAX_CONDITIONS:
        raise InvalidInputError.of("conditions", f"{len(conditions)} conditions: a gate has 1 to {MAX_CONDITIONS}")
    for place, condition in enumerate(conditions):
        _check(f"conditions[{place}]", condition)
    return tuple(conditions)


def _check(field: str, condition: Condition) -> None:
    for name, metric in (("metric", condition.metric), ("size_metric", condition.size_metric)):
        if len(metric) > MAX_METRIC_CHARACTERS or metric != metric.strip():
            raise InvalidInputError.of(
                f"{field}.{name}", f"{metric!r}: a name of 1 to {MAX_METRIC_CHARACTERS} characters without outer spaces"
            )
    if not condition.metric:
        raise InvalidInputError.of(f"{field}.metric", "name the metric that is compared, e.g. 'f1'")
    if not isfinite(condition.value):
        raise InvalidInputError.of(f"{field}.value", f"{condition.value} is not a number to compare with")
    if condition.comparison.speaks_of_holder and condition.value < 0:
        raise InvalidInputError.of(f"{field}.value", f"{condition.value:.10g}: a margin or tolerance is 0 or more")
    if not (isfinite(condition.minimum_size) and condition.minimum_size >= 0):
        raise InvalidInputError.of(f"{field}.minimum_size", f"{condition.minimum_size} is not a number from 0 up")
    if bool(condition.size_metric) != bool(condition.minimum_size):
        raise InvalidInputError.of(
            f"{field}.size_metric", "a minimum size and the metric that counts it go together: give both or neither"
        )


def failed_conditions(conditions: Sequence[Condition], candidate: Measured, holder: Measured | None) -> tuple[str, ...]:
    """Each condition that a candidate does not meet, in words; empty when the gate lets it through.

    Without a holder nothing has to be beaten. A metric that is missing or no number meets no condition.
    """
    found = (_failure(condition, candidate, holder) for condition in conditions)
    return tuple(words for words in found if words)


def _failure(condition: Condition, candidate: Measured, holder: Measured | None) -> str:
    if condition.size_metric:
        size = _number(candidate, condition.size_metric)
        if size is None:
            return f"{condition.size_metric}: {candidate.name} does not say how much it was evaluated on"
        if size < condition.minimum_size:
            least = f"{condition.minimum_size:.10g} is the least for {condition.metric}"
            return f"{condition.size_metric} is {size:.10g}: {least}"
    value = _number(candidate, condition.metric)
    if value is None:
        return f"{condition.metric}: {candidate.name} has no such number"
    if not condition.comparison.speaks_of_holder:
        return _against_number(condition, value)
    return _against_holder(condition, value, holder) if holder else ""


def _against_number(condition: Condition, value: float) -> str:
    if condition.comparison is Comparison.AT_LEAST and value < condition.value:
        return f"{condition.metric} is {value:.10g}: at least {condition.value:.10g} is asked for"
    if condition.comparison is Comparison.AT_MOST and value > condition.value:
        return f"{condition.metric} is {value:.10g}: at most {condition.value:.10g} is asked for"
    return ""


def _against_holder(condition: Condition, value: float, holder: Measured) -> str:
    held = _number(holder, condition.metric)
    if held is None:
        return f"{condition.metric}: {holder.name}, which holds the alias, has no such number to compare with"
    gain = held - value if condition.smaller_is_better else value - held
    # 0.3 - 0.2 is not quite 0.1: what differs by rounding alone counts as equal.
    if condition.comparison is Comparison.BETTER_THAN_HOLDER:
        if gain > condition.value and not isclose(gain, condition.value, rel_tol=1e-9, abs_tol=1e-12):
            return ""
        wanted = "better than" if not condition.value else f"better by more than {condition.value:.10g} than"
    else:
        if gain >= -condition.value or isclose(gain, -condition.value, rel_tol=1e-9, abs_tol=1e-12):
            return ""
        wanted = "no worse than" if not condition.value else f"no more than {condition.value:.10g} worse than"
    return f"{condition.metric} is {value:.10g}: {wanted} the {held:.10g} of {holder.name} is asked for"


def _number(version: Measured, metric: str) -> float | None:
    value = version.metrics.get(metric)
    return value if value is not None and isfinite(value) else None
