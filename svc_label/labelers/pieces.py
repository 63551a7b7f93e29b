"""Pieces of normal data with distortions in them: cut, distorted until it shows, and remembered."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from shared.contracts.parameters import parameter
from shared.errors import InvalidInputError
from svc_label.labelers.base import Floats
from svc_label.labelers.distortions import DISTORTIONS, SPIKE_ROWS, Spot

MIN_ROWS = 64
# Undistorted rows kept around each distortion, so that every one begins and ends inside its piece.
MARGIN = 8
# A distortion whose root-mean-square change is smaller than this share of the channel's spread is drawn again.
MIN_CHANGE = 0.2
UNCHANGED = 1e-6
TRIES = 50
# Where a piece hardly moves, its spread is taken as this share of the whole channel's. The spread of a channel that
# never moves is taken as a tenth of its value, or 1 for zero.
QUIET = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class InjectParameters:
    """Parameters of `inject`."""

    rows: int = parameter(
        48_000, low=MIN_ROWS, high=20_000_000, help="Rows to make; the last piece may add up to one piece's length."
    )
    piece_rows: tuple[int, int] = parameter(
        (600, 1200), low=MIN_ROWS, high=1_000_000, help="Shortest and longest piece; a shorter source is taken whole."
    )
    distortions_per_piece: tuple[int, int] = parameter(
        (0, 3), low=0, high=20, help="Fewest and most distortions in a piece."
    )
    distortion_rows: tuple[int, int] = parameter(
        (8, 100),
        low=4,
        high=100_000,
        help="Shortest and longest distortion but for spikes; at most a quarter of its piece.",
    )
    strength: tuple[float, float] = parameter(
        (0.5, 2.0),
        low=0.1,
        high=100.0,
        help="Weakest and strongest, in standard deviations of the channel within the piece.",
    )
    kinds: tuple[str, ...] = parameter(
        tuple(DISTORTIONS), choices=tuple(DISTORTIONS), help="Which distortions; each is as likely as any other."
    )
    amplitude_jitter: float = parameter(
        0.0, low=0.0, high=0.5, help="Each piece is stretched around its mean by a factor within 1 +- this."
    )
    seed: int = parameter(0, low=0, high=2**53, help="The same seed makes the same series.")

    def __post_init__(self) -> None:
        for name in ("piece_rows", "distortions_per_piece", "distortion_rows", "strength"):
            low, high = getattr(self, name)
            if low > high:
                raise InvalidInputError.of(f"parameters.{name}", f"[{low}, {high}]: the first must not be the larger")
        if not self.kinds:
            raise InvalidInputError.of("parameters.kinds", f"empty; use some of {', '.join(DISTORTIONS)}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Injected:
    """One distortion as made: rows [start, end) of its piece, the channel's column, the change in spreads."""

    start: int
    end: int
    channel: int
    kind: str
    change: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Piece:
    """A stretch of the source, float64 [rows, channels], with its distortions in row order.

    `missed` counts the distortions that were wanted and for which no visible form was found.
    """

    values: Floats
    distortions: tuple[Injected, ...]
    missed: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Cut:
    """A piece in the making: `values` is changed in place."""

    values: Floats
    source: Floats
    spreads: Sequence[float]
    parameters: InjectParameters
    rng: np.random.Generator


def make_pieces(source: Floats, parameters: InjectParameters) -> Iterator[Piece]:
    """Pieces of the source ([rows, channels]) until there are enough rows; each is drawn from a seed of its own."""
    columns = [source[:, channel] for channel in range(source.shape[1])]
    least = [QUIET * _spread(column) or abs(_mean(column)) / 10 or 1.0 for column in columns]
    made, number = 0, 0
    while made < parameters.rows:
        rng = np.random.default_rng([parameters.seed, number])
        piece = _make_piece(source, least, parameters, rng)
        yield piece
        made, number = made + len(piece.values), number + 1


def _make_piece(
    source: Floats, least: Sequence[float], parameters: InjectParameters, rng: np.random.Generator
) -> Piece:
    low, high = parameters.piece_rows
    rows = min(int(rng.integers(low, high + 1)), len(source))
    offset = int(rng.integers(len(source) - rows + 1))
    values = _jittered(source[offset : offset + rows], 1.0 + parameters.amplitude_jitter * rng.uniform(-1.0, 1.0))
    spreads = [max(_spread(values[:, channel]), floor) for channel, floor in enumerate(least)]
    cut = _Cut(values=values, source=source, spreads=spreads, parameters=parameters, rng=rng)
    fewest, most = parameters.distortions_per_piece
    wanted = int(rng.integers(fewest, most + 1))
    distortions: list[Injected] = []
    for _ in range(wanted):
        distortion = _distort(cut, distortions)
        distortions += [distortion] if distortion else []
    ordered = tuple(sorted(distortions, key=lambda d: d.start))
    return Piece(values=values, distortions=ordered, missed=wanted - len(ordered))


def _jittered(values: Floats, factor: float) -> Floats:
    means = np.array([_mean(column) for column in values.T])
    return np.asarray(values + (values - means) * (factor - 1.0))


def _mean(column: Floats) -> float:
    present = column[np.isfinite(column)]
    return float(present.mean()) if len(present) else 0.0


def _spread(column: Floats) -> float:
    present = column[np.isfinite(column)]
    # The standard deviation of a constant may be a rounding error; its range is exactly zero.
    return float(present.std()) if len(present) and np.ptp(present) > 0.0 else 0.0


def _distort(cut: _Cut, taken: Sequence[Injected]) -> Injected | None:
    """Try one kind until it shows, then the others in random order; None when nothing shows."""
    for kind in cut.rng.permutation(np.array(cut.parameters.kinds)).tolist():
        for _ in range(TRIES):
            distortion = _attempt(cut, kind, taken)
            if distortion:
                return distortion
    return None


def _attempt(cut: _Cut, kind: str, taken: Sequence[Injected]) -> Injected | None:
    start, end = _draw_rows(cut, kind)
    if any(start < d.end + MARGIN and d.start < end + MARGIN for d in taken):
        return None
    channel = int(cut.rng.integers(cut.values.shape[1]))
    spot = Spot(
        rng=cut.rng,
        spread=cut.spreads[channel],
        strength=float(cut.rng.uniform(*cut.parameters.strength)),
        source=cut.source,
        channel=channel,
    )
    before = cut.values[start:end, channel].copy()
    if not np.isfinite(before).all():
        return None
    after = DISTORTIONS[kind](before, spot)
    changes = (after - before) / spot.spread
    change = float(np.sqrt(np.mean(changes**2)))
    if not change >= MIN_CHANGE:  # also where the new values are missing: NaN is not above anything
        return None
    cut.values[start:end, channel] = after
    changed = np.flatnonzero(np.abs(changes) > UNCHANGED)
    return Injected(
        start=start + int(changed[0]), end=start + int(changed[-1]) + 1, channel=channel, kind=kind, change=change
    )


def _draw_rows(cut: _Cut, kind: str) -> tuple[int, int]:
    rows = len(cut.values)
    shortest, longest = SPIKE_ROWS if kind == "spike" else cut.parameters.distortion_rows
    longest = min(longest, rows // 4)
    length = int(cut.rng.integers(min(shortest, longest), longest + 1))
    start = int(cut.rng.integers(MARGIN, rows - length - MARGIN + 1))
    return start, start + length
