"""Labeler `robust`: points far from the rolling median, in units of the median absolute deviation."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import median_filter

from shared.contracts.parameters import parameter
from svc_label.labelers.base import Floats, Labeler, Labeling, SeriesFrame
from svc_label.labelers.proposing import ProposingParameters, proposals_of, ranked, spans_above

# For normal noise the standard deviation is so many median, or mean, absolute deviations.
SMALLEST_SHARE = 1e-12
SIGMA_PER_MEDIAN_DEVIATION = 1.4826
SIGMA_PER_MEAN_DEVIATION = 1.2533


@dataclass(frozen=True, slots=True, kw_only=True)
class RobustParameters(ProposingParameters):
    """Parameters of `robust`."""

    window: int = parameter(
        501,
        low=3,
        high=1_000_001,
        help="Present values in the rolling window, made odd; let it span a few periods of a periodic series.",
    )
    threshold: float = parameter(
        4.0, low=0.1, high=1e6, help="Robust standard deviations from the median at which a point is proposed."
    )


def point_scores(values: Floats, parameters: RobustParameters) -> Floats:
    """How many robust standard deviations each value lies from the median around it; 0 where it is missing.

    The identifier of Hampel (1974, JASA 69) on a rolling window, with two departures. The deviation around a row is
    the rolling median of residuals that were each taken from their own median. And it is never taken smaller than
    the deviation of the whole channel: a quiet or constant stretch has next to none, and would turn its smallest
    ripple into the greatest outlier. The window counts present values, so missing ones neither pull nor thin it out.

    Args:
        values: [rows], NaN for missing.
        parameters: the window; the threshold plays no part.
    """
    scores = np.zeros(len(values))
    present = np.isfinite(values)
    x = values[present]
    if not len(x):
        return scores
    window = min(parameters.window | 1, len(x) - 1 + len(x) % 2)
    residual = np.abs(x - median_filter(x, window, mode="reflect"))
    # A deviation that is nothing beside the largest residual would make scores beyond all numbers.
    overall = max(_overall_deviation(residual), SMALLEST_SHARE * float(residual.max()))
    if overall > 0.0:
        local = SIGMA_PER_MEDIAN_DEVIATION * median_filter(residual, window, mode="reflect")
        scores[present] = residual / np.maximum(local, overall)
    return scores


def _overall_deviation(residual: Floats) -> float:
    median = float(np.median(residual))
    if median > 0.0:
        return SIGMA_PER_MEDIAN_DEVIATION * median
    # Most values equal their median (constant stretches, counts): the mean deviation is zero only if all do
    # (Iglewicz and Hoaglin 1993, How to Detect and Handle Outliers).
    return SIGMA_PER_MEAN_DEVIATION * float(np.mean(residual))


@dataclass(frozen=True, slots=True)
class Robust:
    """The labeler; a point at the threshold has the confidence one half."""

    name: str = "robust"
    summary: str = "Points far from the rolling median, measured in median absolute deviations (Hampel)."
    makes_series: bool = False
    parameters: type[RobustParameters] = RobustParameters

    def propose(self, series: SeriesFrame, parameters: RobustParameters) -> Labeling:
        """Propose the stretches whose points reach the threshold, channel by channel."""
        proposals = []
        for column, channel in enumerate(series.channels):
            spans = spans_above(
                point_scores(series.values[:, column], parameters),
                parameters.threshold,
                gap_rows=parameters.gap_rows,
                limit=parameters.max_candidates,
            )
            proposals += proposals_of(series, channel, spans, lambda z: z / (z + parameters.threshold))
        return Labeling(proposals=ranked(proposals, parameters.max_candidates))


LABELER: Labeler[RobustParameters] = Robust()
