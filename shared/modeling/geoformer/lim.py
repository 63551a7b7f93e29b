"""The linear inverse model: the best linear rule for how anomalies grow, decay and turn into one another.

The months are written as a few patterns (empirical orthogonal functions) and their amplitudes x. From the amplitudes a
lag apart follows the propagator G(lag) = C(lag) C(0)^-1, whose power tells any other lead (Penland & Sardeshmukh, "The
optimal growth of tropical sea surface temperature anomalies", Journal of Climate 1995). The same rule holds all year.

Shape suffixes: T = months, C = channels, Y = latitudes, X = longitudes, K = patterns, F = months ahead, N = C x Y x X.
"""

# ruff: noqa: N803, N806, N815 - names end in their shape, in capitals

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shared.errors import InvalidInputError

Floats = NDArray[np.float32]
# Months below which nothing can be said of how they follow one another.
FEWEST_PAIRS = 12
# Beside the largest: what is smaller is the noise of the arithmetic.
SMALLEST_POWER = 1e-10


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LinearInverseModel:
    """A fitted rule.

    Args:
        project_KCYX: what a month is multiplied with to give amplitudes; 0 on land and for channels it does not know.
        expand_KCYX: what the amplitudes are multiplied with to give a month.
        growth_KK: the propagator of one month.
    """

    project_KCYX: Floats
    expand_KCYX: Floats
    growth_KK: Floats

    def amplitudes(self, months_TCYX: Floats) -> Floats:
        """[T, K]; what is not known counts as usual."""
        return np.asarray(np.tensordot(np.nan_to_num(months_TCYX), self.project_KCYX, axes=([1, 2, 3], [1, 2, 3])))

    def forecast(self, histories_NTCYX: Floats, months_NT: NDArray[np.int64], leads: int) -> Floats:
        """See `FirstGuess`: what follows the last month of each history."""
        del months_NT
        return self.follow(histories_NTCYX[:, -1], leads)

    def follow(self, months_TCYX: Floats, leads: int) -> Floats:
        """What follows each month: [T, F, C, Y, X]."""
        return np.tensordot(self.amplitudes_ahead(months_TCYX, leads), self.expand_KCYX, axes=1).astype(np.float32)

    def amplitudes_ahead(self, months_TCYX: Floats, leads: int) -> Floats:
        """The amplitudes of what follows each month: [T, F, K]."""
        amplitudes_TK = self.amplitudes(months_TCYX)
        ahead: list[Floats] = []
        for _ in range(leads):
            amplitudes_TK = amplitudes_TK @ self.growth_KK.T
            ahead.append(amplitudes_TK)
        return np.stack(ahead, axis=1)


def fit_lim(
    anomalies_TCYX: Floats,
    *,
    scales: tuple[float, ...],
    lat: NDArray[np.float64],
    usable_T: NDArray[np.bool_],
    modes: int,
    lag: int = 1,
) -> LinearInverseModel:
    """Fit to the months that may be used.

    Args:
        anomalies_TCYX: months one after the other; NaN where not known. Channels that lack a usable month are left out.
        scales: what each channel is divided by, so that none outweighs the others.
        lat: degrees; a grid box counts by its area.
        usable_T: False for months that the model must not know.
        modes: patterns kept; fewer where the months have fewer.
        lag: months between the pairs that the rule is fitted to.

    Raises:
        InvalidInputError: no channel is known in all usable months, or there are too few pairs of them.
    """
    sea_CYX = np.asarray(np.isfinite(anomalies_TCYX[usable_T]).all(axis=0))
    starts = np.flatnonzero(usable_T[:-lag] & usable_T[lag:])
    if not sea_CYX.any() or len(starts) < FEWEST_PAIRS:
        reason = f"{len(starts)} pairs of months {lag} apart, {int(sea_CYX.sum())} places known in all of them"
        raise InvalidInputError.of("training_set", f"too little for a linear inverse model: {reason}")
    weights_CYX = _weights(scales, lat, sea_CYX)
    states_TN = (np.nan_to_num(anomalies_TCYX) * weights_CYX).reshape(len(anomalies_TCYX), -1).astype(np.float64)
    patterns_KN = _leading_patterns(states_TN[usable_T], modes)
    amplitudes_TK = states_TN @ patterns_KN.T
    before, after = amplitudes_TK[starts], amplitudes_TK[starts + lag]
    growth_KK = _root((after.T @ before) @ np.linalg.pinv(before.T @ before), lag)
    patterns_KCYX = patterns_KN.reshape(-1, *sea_CYX.shape)
    return LinearInverseModel(
        project_KCYX=(patterns_KCYX * weights_CYX).astype(np.float32),
        expand_KCYX=np.divide(patterns_KCYX, weights_CYX, out=np.zeros_like(patterns_KCYX), where=sea_CYX).astype(
            np.float32
        ),
        growth_KK=growth_KK.astype(np.float32),
    )


def _weights(scales: tuple[float, ...], lat: NDArray[np.float64], sea_CYX: NDArray[np.bool_]) -> NDArray[np.float64]:
    by_area_Y = np.sqrt(np.cos(np.deg2rad(lat)))
    return np.asarray(sea_CYX * by_area_Y[:, None] / np.asarray(scales)[:, None, None])


def _leading_patterns(states_TN: NDArray[np.float64], modes: int) -> NDArray[np.float64]:
    """The right singular vectors of the largest singular values, from products of months or of places: of the fewer."""
    by_month = len(states_TN) <= states_TN.shape[1]
    powers, vectors = np.linalg.eigh(states_TN @ states_TN.T if by_month else states_TN.T @ states_TN)
    order = np.argsort(powers)[::-1][:modes]
    kept = order[powers[order] > powers.max() * SMALLEST_POWER]
    if not by_month:
        return np.asarray(vectors[:, kept].T)
    return np.asarray((vectors[:, kept] / np.sqrt(powers[kept])).T @ states_TN)


def _root(growth_KK: NDArray[np.float64], lag: int) -> NDArray[np.float64]:
    """The propagator of one month from that of `lag` months."""
    if lag == 1:
        return growth_KK
    values, vectors = np.linalg.eig(growth_KK)
    return np.asarray(((vectors * values.astype(complex) ** (1 / lag)) @ np.linalg.inv(vectors)).real)
