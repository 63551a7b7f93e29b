"""Labeler `subsequence-pca`: windows that lie far from the rest along the rest's principal components."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from shared.contracts.parameters import parameter
from shared.errors import InvalidInputError
from svc_label.labelers.base import Floats, Labeler, Labeling, Proposal, SeriesFrame
from svc_label.labelers.periods import automatic_windows
from svc_label.labelers.proposing import ProposingParameters, proposals_of, ranked, spans_above
from svc_label.labelers.window_moments import Bools, usable_windows, window_moments

MIN_ROWS = 32
BLOCK = 2048  # windows; two of these blocks fit the cache
# Components with less variance than this share of the first count as having that much: below it lie rounding errors.
VARIANCE_FLOOR = 1e-6
MAX_SPREADS = 1e6  # beyond so many standard deviations a value is as extreme as it can be; keeps float32 finite
MIN_LOG_SPREAD = 0.05
KEEP = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class SubsequencePcaParameters(ProposingParameters):
    """Parameters of `subsequence-pca`."""

    windows: tuple[int, ...] = parameter(
        (),
        low=4,
        high=4096,
        help="Window lengths in rows; the scores of all of them are averaged. Empty: two, by autocorrelation.",
    )
    fit_rows: tuple[int, ...] = parameter(
        (), low=0, high=2**53, help="Rows [start, end) to learn from, best free of anomalies. Empty: all rows."
    )
    threshold: float = parameter(
        2.5,
        low=0.1,
        high=1e6,
        help="Robust standard deviations of the scores' logarithm from which a row is proposed.",
    )

    def __post_init__(self) -> None:
        if self.fit_rows and (len(self.fit_rows) != 2 or self.fit_rows[0] >= self.fit_rows[1]):
            raise InvalidInputError.of(
                "parameters.fit_rows", f"{list(self.fit_rows)} is not [start, end) with start below end"
            )


def point_scores(values: Floats, parameters: SubsequencePcaParameters) -> Floats:
    """How unusual the windows around each row are; 1 is the average of the rows learnt from, 0 means not scored.

    Sub-sequence PCA as in TSB-UAD (Paparrizos et al. 2022, VLDB 15) with the score of Aggarwal (2017, Outlier
    Analysis, 2nd ed., 3.3): a window's squared distances from the mean along all principal components, each divided
    by that component's variance. A row's score is the mean over the windows that cover it.

    Gaps of up to a quarter window are bridged by straight lines; windows that touch a longer one are neither learnt
    from nor scored. A channel that does not move in the rows learnt from is not scored.

    Args:
        values: [rows], NaN for missing.
        parameters: windows and rows to learn from; the threshold plays no part.

    Raises:
        InvalidInputError: the rows to learn from lie outside the series or are too few for the windows.
    """
    start, end = _fit_range(len(values), parameters)
    missing = ~np.isfinite(values)
    learnt = values[start:end][~missing[start:end]]
    # The standard deviation of a constant may be a rounding error; its range is exactly zero.
    if not len(learnt) or np.ptp(learnt) == 0.0:
        return np.zeros(len(values))
    x = _scaled(values, missing, float(learnt.mean()), float(learnt.std()))
    gaps = _gap_lengths(missing)
    total, scored = np.zeros(len(x)), np.zeros(len(x))
    for window in parameters.windows or automatic_windows(x[start:end]):
        scores = _window_length_scores(x, gaps > window // 4, window, start, end)
        total += scores
        scored += scores > 0.0
    return np.asarray(total / np.maximum(scored, 1.0))


def _fit_range(rows: int, parameters: SubsequencePcaParameters) -> tuple[int, int]:
    start, end = parameters.fit_rows or (0, rows)
    if end > rows:
        raise InvalidInputError.of("parameters.fit_rows", f"[{start}, {end}) reaches past the series' {rows} rows")
    needed = max(MIN_ROWS, 2 * max(parameters.windows, default=0))
    if end - start < needed:
        what = f"windows of {max(parameters.windows)} rows need" if parameters.windows else "this labeler needs"
        raise InvalidInputError.of("parameters.windows", f"{what} {needed} rows to learn from; there are {end - start}")
    return start, end


def _scaled(values: Floats, missing: Bools, centre: float, spread: float) -> Floats:
    x = np.clip((values - centre) / spread, -MAX_SPREADS, MAX_SPREADS)
    if missing.any():
        x[missing] = np.interp(np.flatnonzero(missing), np.flatnonzero(~missing), x[~missing])
    return np.asarray(x)


def _gap_lengths(missing: Bools) -> NDArray[np.int64]:
    """For each row the length of the gap it lies in; 0 where a value is present."""
    edges = np.flatnonzero(np.diff(missing, prepend=False, append=False))
    lengths = np.zeros(len(missing), dtype=np.int64)
    for start, end in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
        lengths[start:end] = end - start
    return lengths


def _window_length_scores(x: Floats, unusable: Bools, window: int, start: int, end: int) -> Floats:
    learnable = usable_windows(unusable[start:end], window)
    if not learnable.any():
        return np.zeros(len(x))
    mean, covariance = window_moments(x[start:end], learnable)
    variances, components = np.linalg.eigh(covariance)
    floored = np.maximum(variances, VARIANCE_FLOOR * variances[-1])
    whitening = components / np.sqrt(floored * window)
    usable = usable_windows(unusable, window)
    return _spread_over_rows(np.where(usable, _distances(x, mean, whitening), 0.0), usable, window)


def _distances(x: Floats, mean: Floats, whitening: Floats) -> Floats:
    """Squared length of (window - mean) @ whitening for every window, a block of windows at a time."""
    window = len(mean)
    windows = sliding_window_view(x.astype(np.float32), window)
    # A last column of ones takes the mean away within the product.
    basis = np.vstack([whitening, -mean @ whitening]).astype(np.float32)
    rows = np.ones((BLOCK, window + 1), dtype=np.float32)
    projected = np.empty((BLOCK, window), dtype=np.float32)
    distances = np.empty(len(windows))
    for first in range(0, len(windows), BLOCK):
        block = windows[first : first + BLOCK]
        rows[: len(block), :window] = block  # BLAS needs rows that do not overlap
        here = np.matmul(rows[: len(block)], basis, out=projected[: len(block)])
        distances[first : first + len(block)] = np.vecdot(here, here)
    return distances


def _spread_over_rows(distances: Floats, usable: Bools, window: int) -> Floats:
    """The mean of the usable windows that cover each row; 0 where there is none."""
    total, count = _sums_over_cover(distances, window), _sums_over_cover(usable, window)
    # A difference of running sums may fall a rounding error below zero.
    return np.asarray(np.maximum(total, 0.0) / np.maximum(count, 1))


def _sums_over_cover(of_window: NDArray[Any], window: int) -> NDArray[Any]:
    running = np.cumsum(np.pad(of_window, (window, window - 1)))
    return np.asarray(running[window:] - running[:-window])


@dataclass(frozen=True, slots=True)
class SubsequencePca:
    """The labeler; a row at the threshold has the confidence one half."""

    name: str = "subsequence-pca"
    summary: str = "Windows far from the others along the principal components of all windows."
    makes_series: bool = False
    parameters: type[SubsequencePcaParameters] = SubsequencePcaParameters

    def propose(self, series: SeriesFrame, parameters: SubsequencePcaParameters) -> Labeling:
        """Propose the rows around each high score, channel by channel."""
        proposals: list[Proposal] = []
        for column, channel in enumerate(series.channels):
            proposals += _proposals(series, channel, point_scores(series.values[:, column], parameters), parameters)
        return Labeling(proposals=ranked(proposals, parameters.max_candidates))


def _proposals(
    series: SeriesFrame, channel: str, scores: Floats, parameters: SubsequencePcaParameters
) -> list[Proposal]:
    logs = np.log(scores[scores > 0.0])
    if not len(logs):
        return []
    centre = float(np.median(logs))
    # The scores are spread over orders of magnitude, so they are judged by their logarithm.
    spread = max(1.4826 * float(np.median(np.abs(logs - centre))), MIN_LOG_SPREAD)
    spans = spans_above(
        scores,
        float(np.exp(centre + parameters.threshold * spread)),
        gap_rows=parameters.gap_rows,
        limit=parameters.max_candidates,
        keep=KEEP,
    )

    def confidence(peak: float) -> float:
        deviations = max((float(np.log(peak)) - centre) / spread, 0.0)
        return deviations / (deviations + parameters.threshold)

    return proposals_of(series, channel, spans, confidence)


LABELER: Labeler[SubsequencePcaParameters] = SubsequencePca()
