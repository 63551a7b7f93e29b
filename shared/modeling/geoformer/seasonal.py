"""A linear model with seasons and memory: for each lead, a regression on the patterns' amplitudes now and months ago.

The linear inverse model knows the last month, and no season. But what El Nino does next depends on the time of the
year, and what came before tells of what the surface hides. Seasonal coefficients and memory in a regression of pattern
amplitudes are those of Kondrashov et al., "A hierarchy of data-based ENSO models", Journal of Climate 2005; here each
lead has a ridge regression of its own.

Shape suffixes: N = windows, T = months, C = channels, Y = latitudes, X = longitudes, K = patterns, F = months ahead,
J = features of a window.
"""

# ruff: noqa: N803, N806, N815 - names end in their shape, in capitals

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shared.modeling.geoformer.lim import Floats, LinearInverseModel, fit_lim

Reals = NDArray[np.floating]
# Months ago whose amplitudes are features; a history that is shorter has fewer.
LAGS = (0, 3, 6)
MONTHS = 12


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SeasonalModel:
    """A fitted model.

    Args:
        patterns: the linear inverse model whose patterns are used.
        weights_FJK: what the features of a window are multiplied with to give the amplitudes at each lead.
        lags: months ago.
    """

    patterns: LinearInverseModel
    weights_FJK: Floats
    lags: tuple[int, ...]

    def forecast(self, histories_NTCYX: Floats, months_NT: NDArray[np.int64], leads: int) -> Floats:
        """See `FirstGuess`; at most as many leads as it was fitted to."""
        amplitudes_NTK = np.stack([self.patterns.amplitudes(history) for history in histories_NTCYX])
        features_NJ = _features(amplitudes_NTK, months_NT[:, -1], self.lags)
        ahead_NFK = np.einsum("nj,fjk->nfk", features_NJ, self.weights_FJK[:leads])
        return np.tensordot(ahead_NFK, self.patterns.expand_KCYX, axes=1).astype(np.float32)


def fit_seasonal(
    anomalies_TCYX: Floats,
    calendar: NDArray[np.int64],
    *,
    scales: tuple[float, ...],
    lat: NDArray[np.float64],
    usable_T: NDArray[np.bool_],
    modes: int,
    ridge: float,
    history: int,
    leads: int,
) -> SeasonalModel:
    """Fit to the months that may be used.

    Args:
        anomalies_TCYX: see `fit_lim`.
        calendar: the calendar month of each, 0 = January.
        scales: see `fit_lim`.
        lat: see `fit_lim`.
        usable_T: see `fit_lim`.
        modes: patterns kept.
        ridge: how much the weights are kept small, as a share of the power of the first pattern.
        history: months that a forecast may look at.
        leads: months ahead, each with weights of its own.

    Raises:
        InvalidInputError: too little is known; see `fit_lim`.
    """
    patterns = fit_lim(anomalies_TCYX, scales=scales, lat=lat, usable_T=usable_T, modes=modes)
    lags = lags_within(history)
    span = lags[-1] + 1
    amplitudes_TK = patterns.amplitudes(anomalies_TCYX).astype(np.float64)
    ends = np.arange(span - 1, len(amplitudes_TK) - 1)
    rows_NS = ends[:, None] + np.arange(1 - span, 1)
    ends, rows_NS = ends[usable_T[rows_NS].all(axis=1)], rows_NS[usable_T[rows_NS].all(axis=1)]
    features_NJ = _features(amplitudes_TK[rows_NS], calendar[ends], lags)
    power = ridge * float(amplitudes_TK[usable_T, 0].var())
    weights = [_regression(features_NJ, amplitudes_TK, ends + lead, usable_T, power) for lead in range(1, leads + 1)]
    return SeasonalModel(patterns=patterns, weights_FJK=np.stack(weights).astype(np.float32), lags=lags)


def lags_within(history: int) -> tuple[int, ...]:
    """The lags that a history of so many months holds."""
    return tuple(lag for lag in LAGS if lag < history)


def features_of(lags: tuple[int, ...], modes: int) -> int:
    """How many features a window has."""
    return (len(lags) + 2) * modes


def _features(amplitudes_NTK: Reals, months_N: NDArray[np.int64], lags: tuple[int, ...]) -> Reals:
    """[N, J]: the amplitudes at each lag, and those of the last month times the wave of the year."""
    angle_N = 2 * np.pi * months_N / MONTHS
    now_NK = amplitudes_NTK[:, -1]
    seasons = [now_NK * wave[:, None] for wave in (np.cos(angle_N), np.sin(angle_N))]
    return np.concatenate([*(amplitudes_NTK[:, -1 - lag] for lag in lags), *seasons], axis=1)


def _regression(
    features_NJ: Reals, amplitudes_TK: Reals, targets_N: NDArray[np.int64], usable_T: NDArray[np.bool_], power: float
) -> NDArray[np.float64]:
    """[J, K], over the windows whose month at this lead may be used."""
    inside_N = np.minimum(targets_N, len(amplitudes_TK) - 1)
    kept_N = (targets_N < len(amplitudes_TK)) & usable_T[inside_N]
    features, targets = features_NJ[kept_N], amplitudes_TK[targets_N[kept_N]]
    penalty = max(len(features), 1) * power * np.eye(features.shape[1])
    return np.asarray(np.linalg.solve(features.T @ features + penalty, features.T @ targets))
