"""Labelling jobs: what is asked and what came of it, as recorded work keeps them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from shared.contracts.names import check_name, parse_dataset_reference
from shared.contracts.versions import DatasetVersion
from shared.errors import InvalidInputError


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelRequest:
    """Run a labeler over a dataset; `output` names the dataset that some labelers make."""

    dataset: str
    labeler: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    output: str = ""

    def to_json(self) -> dict[str, Any]:
        """As recorded work keeps it."""
        return asdict(self)


def request_from_json(value: Mapping[str, Any]) -> LabelRequest:
    """What `to_json` wrote."""
    return LabelRequest(**value)


def output_name(request: LabelRequest, *, makes_dataset: bool) -> str:
    """The name of the dataset to make, empty when the labeler makes none.

    Raises:
        InvalidInputError: the dataset's or the output's name is wrong, or an output is named where none is made.
    """
    source = parse_dataset_reference("dataset", request.dataset).name
    if not makes_dataset:
        if request.output:
            raise InvalidInputError.of("output", f"{request.labeler!r} makes no dataset: leave the output empty")
        return ""
    name = check_name("output", request.output or f"{source}-{request.labeler}")
    if name == source:
        raise InvalidInputError.of("output", f"{name!r} is the dataset itself: choose another name")
    return name


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelResult:
    """What a job came to: the dataset its candidates speak of, how many, and whether it made that dataset.

    A dataset that was made without candidates has none that speak of it.
    """

    dataset: DatasetVersion
    candidate_count: int
    made: bool = False

    def to_json(self) -> dict[str, Any]:
        """As recorded work keeps it."""
        return asdict(self)


def result_from_json(value: Mapping[str, Any]) -> LabelResult:
    """What `to_json` wrote."""
    return LabelResult(**{**value, "dataset": DatasetVersion(**value["dataset"])})
