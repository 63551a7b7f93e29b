"""What goes into and comes out of a series predictor. Imports no torch, so callers may build these anywhere."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shared.errors import InvalidInputError


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SeriesInput:
    """One series to look at.

    Args:
        id: the caller's name for it; comes back in the answer.
        channels: names of the columns of `values`, each once.
        values: float64 [rows, channels] in time order; NaN where nothing was measured.

    Raises:
        InvalidInputError: no rows, no channels, names that do not fit, or an infinite value.
    """

    id: str
    channels: tuple[str, ...]
    values: NDArray[np.float64]

    def __post_init__(self) -> None:
        if self.values.ndim != 2 or self.values.shape[1] != len(self.channels):
            raise InvalidInputError.of(
                "channels", f"{len(self.channels)} names were given for values of the shape {self.values.shape}"
            )
        if 0 in self.values.shape:
            raise InvalidInputError.of("values", "a series needs at least one row and one channel")
        if len(set(self.channels)) != len(self.channels):
            raise InvalidInputError.of("channels", f"a name is used twice in {', '.join(self.channels)}")
        infinite = np.argwhere(np.isinf(self.values))
        if len(infinite):
            row, channel = infinite[0]
            raise InvalidInputError.of("values", f"row {row} of channel {self.channels[channel]!r} is infinite")


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerSegment:
    """Rows [start_row, end_row) of one channel and what the model calls them; `confidence` is in [0, 1]."""

    start_row: int
    end_row: int
    channel: str
    label: str
    confidence: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SeriesAnswer:
    """What the model says of one series.

    Args:
        id: the id of the input.
        segments: by falling confidence.
        scores: float32 [rows, channels] in [0, 1]; 0 where nothing was measured.
        text: the segments in a sentence.
    """

    id: str
    segments: tuple[AnswerSegment, ...]
    scores: NDArray[np.float32]
    text: str
