"""Months of fields that forecasts go on from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from shared.contracts.names import parse_dataset_reference
from shared.contracts.versions import DatasetVersion
from shared.errors import InvalidInputError
from shared.fields.values import FieldAnswer, FieldInput


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetMonths:
    """Months of a stored dataset by reference.

    Args:
        dataset: `name@3`, or `name` for the newest version.
        last_month: as `2009-06`; empty means the dataset's last one.
    """

    dataset: str
    last_month: str

    def check(self) -> None:
        """InvalidInputError when the reference is none; whether it names anything is found out later."""
        parse_dataset_reference("dataset.dataset", self.dataset)


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetFields:
    """What is read of a dataset: the months to go on from, and the Nino indices of those behind them that it holds."""

    asked: FieldInput
    observed: Mapping[str, Sequence[float]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """What was asked, what was read for it, and the answer.

    Args:
        asked: the months that it goes on from.
        dataset: they were read from; None where they were sent along.
        observed: index by name -> what came in the months that are forecast, as far as the dataset holds them.
        answer: the forecast.
    """

    asked: FieldInput
    dataset: DatasetVersion | None
    observed: Mapping[str, Sequence[float]]
    answer: FieldAnswer


def leads_of(wanted: int, longest: int) -> int:
    """Months to look ahead; 0 means as many as the model can."""
    if not wanted:
        return longest
    if wanted > longest:
        raise InvalidInputError.of("leads", f"{wanted}: the model looks at most {longest} months ahead")
    return wanted
