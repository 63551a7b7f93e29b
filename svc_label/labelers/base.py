"""What a labeler is: one that proposes labels for a series, or one that makes a dataset of another."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeVar, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from shared.contracts.series import Segment

Floats = NDArray[np.float64]
Times = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SeriesFrame:
    """A series in memory.

    Attributes:
        time: int64 [rows], not decreasing: nanoseconds since 1970 in UTC, or the index where there is no clock.
        values: float64 [rows, channels]; NaN is a missing value.
        channels: the channels' names, none twice.
    """

    time: Times
    values: Floats
    channels: tuple[str, ...]

    def __post_init__(self) -> None:
        if self.values.shape != (len(self.time), len(self.channels)):
            raise ValueError(
                f"values are {self.values.shape}; {len(self.time)} times and {len(self.channels)} channels are named"
            )
        if self.time.dtype != np.int64 or self.values.dtype != np.float64:
            raise ValueError(f"time is {self.time.dtype} and values are {self.values.dtype}; use int64 and float64")
        if len(set(self.channels)) != len(self.channels):
            raise ValueError(f"a channel is named twice: {', '.join(self.channels)}")

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return len(self.time)


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """A proposed label: the claim with its confidence in [0, 1], and the raw score it was ranked by.

    The score's unit is the labeler's own; for a label that is true by construction it is the change that was made,
    in units of the channel's spread.
    """

    segment: Segment
    score: float


@dataclass(frozen=True, slots=True, kw_only=True)
class MadeSeries:
    """A series that a labeler made.

    Attributes:
        series: the series.
        pieces: row ranges [start, end) that cover it, each a stretch of one original with nothing to be learnt from
            the jump to the next. A training window stays within a piece.
    """

    series: SeriesFrame
    pieces: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Labeling:
    """What a labeler answers: proposals about the series it was given or, where it made one, about that one."""

    proposals: tuple[Proposal, ...]
    made: MadeSeries | None = None


ParametersT = TypeVar("ParametersT")


class Labeler(Protocol[ParametersT]):
    """An algorithm that proposes labels; stateless, so one instance serves all threads."""

    @property
    def name(self) -> str:
        """Its name, as requests spell it."""

    @property
    def summary(self) -> str:
        """One sentence."""

    @property
    def makes_series(self) -> bool:
        """Whether its answer holds a new series, which the proposals speak of."""

    @property
    def parameters(self) -> type[ParametersT]:
        """The frozen dataclass of its parameters; every field has a default."""

    def propose(self, series: SeriesFrame, parameters: ParametersT) -> Labeling:
        """Propose labels: the same series and parameters give the same answer.

        Raises:
            InvalidInputError: the parameters do not fit this series.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredDataset:
    """A dataset version to make another one of.

    Attributes:
        name, digest: its name and the digest of its manifest.
        kind: its schema, see `Kind`.
        folder: holds the version's files at their paths; it is removed afterwards.
        meta: the manifest's facts.
    """

    name: str
    digest: str
    kind: str
    folder: Path
    meta: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class MadeDataset:
    """A dataset version before it is stored.

    Attributes:
        kind: its schema, see `Kind`.
        files: path in the version -> file on the disk.
        meta: facts about the content alone, so that equal content has one digest.
        rows: what it holds, counted.
    """

    kind: str
    files: Mapping[str, Path]
    meta: Mapping[str, Any]
    rows: int


@runtime_checkable
class DatasetLabeler(Protocol[ParametersT]):
    """An algorithm that makes a dataset of another; there are no candidates, for what it says is computed."""

    @property
    def name(self) -> str:
        """Its name, as requests spell it."""

    @property
    def summary(self) -> str:
        """One sentence."""

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds of datasets it reads."""

    @property
    def makes(self) -> str:
        """The kind of the dataset it makes."""

    @property
    def parameters(self) -> type[ParametersT]:
        """The frozen dataclass of its parameters; every field has a default."""

    def make(
        self, dataset: StoredDataset, parameters: ParametersT, folder: Path, must_stop: Callable[[], bool]
    ) -> MadeDataset:
        """Write the version's files into the empty `folder`, in bounded memory.

        The same dataset and parameters give the same bytes and facts.

        Raises:
            InvalidInputError: the parameters do not fit this dataset.
            IntegrityError: the dataset's files are not what its kind says.
            RetryableError: `must_stop` said so.
        """


AnyLabeler = Labeler[Any] | DatasetLabeler[Any]
