"""What every story of the demo stands on, and what it is."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

from upwell.cli.label import ended_job
from upwell.client import Upwell
from upwell.demo.narrator import Narrator
from upwell.label.v1 import label_service_pb2
from upwell.registry.v1 import registry_service_pb2


class Result(Protocol):
    """A row of what came out."""

    def as_json(self) -> dict[str, Any]:
        """For programs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """A number of a trained version, measured on what it has not seen."""

    name: str
    value: float

    def as_json(self) -> dict[str, Any]:
        """For programs."""
        return asdict(self)


def metrics_of(version: registry_service_pb2.ModelVersion) -> Sequence[Metric]:
    """All of them by name."""
    return [Metric(name=name, value=value) for name, value in sorted(version.metrics.items())]


@dataclass(kw_only=True)
class Stage:
    """Where a story is told.

    Attributes:
        upwell: the client of a running stack.
        narrator: what is said.
        files: an empty folder for what is to be ingested.
        kept: a folder for pictures; it lasts as long as the stack's data.
        nats_url: the bus, for a step that knows nothing of Upwell.
    """

    upwell: Upwell
    narrator: Narrator
    files: Path
    kept: Path
    nats_url: str

    async def label(
        self, dataset: str, labeler: str, *, output: str = "", **parameters: Any
    ) -> label_service_pb2.LabelJob:
        """Run a labeler and wait for its end."""
        job_id = await self.upwell.label.start(dataset, labeler=labeler, output=output, parameters=parameters)
        return await ended_job(self.upwell, job_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """A walk through the loop with one family of models.

    Attributes:
        name: how the command calls it.
        walk: does and tells every step; what came out.
        where_next: (command, what it shows) for who wants to look further.
    """

    name: str
    walk: Callable[[Stage], Awaitable[Sequence[Result]]]
    where_next: tuple[tuple[str, str], ...]
