"""The linear inverse models of a training: the one that is kept, and those that give honest first guesses.

A linear model forecasts the years it was fitted to better than any others: it leaves too little to correct there. So
each part of the training period is corrected from a model that was fitted without it.
"""

# ruff: noqa: N803, N806, N815 - names end in their shape, in capitals

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from shared.modeling.geoformer.ensemble import first_guess
from shared.modeling.geoformer.lim import Floats, LinearInverseModel, fit_lim
from svc_train.recipes.geoformer.config import GeoformerConfig
from svc_train.recipes.geoformer.data import OceanData

# What is tried where the number of patterns is not given.
MODES = (3, 5, 7, 10, 15, 20)
LAGS = (1, 2, 3)

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """Of a linear inverse model: patterns, and months between the pairs it is fitted to."""

    modes: int
    lag: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Guesses:
    """First guesses of the training windows.

    Args:
        lims: one for each part of the training period; empty where the networks correct nothing.
        part_T: which of them a window's last month takes.
        leads: months ahead.
    """

    lims: tuple[LinearInverseModel, ...]
    part_T: NDArray[np.int64]
    leads: int

    def of(self, row: int, month_CYX: Floats) -> Floats:
        """[F, C, Y, X]."""
        lim = self.lims[self.part_T[row]] if self.lims else None
        return np.asarray(first_guess(lim, month_CYX[None], self.leads)[0])


def choose_shape(data: OceanData, config: GeoformerConfig) -> Shape:
    """The given shape, or of those tried the one whose Nino3.4 forecasts of left-out parts are the best.

    Best is the least squared error, added up over all leads.
    """
    if config.lim_modes:
        return Shape(modes=config.lim_modes, lag=config.lim_lag)
    errors = {
        Shape(modes=modes, lag=lag): _error(data, config, Shape(modes=modes, lag=lag))
        for modes, lag in product(MODES, LAGS)
    }
    best = min(errors, key=lambda shape: errors[shape])
    log.info(
        "linear inverse model: %d patterns, lag %d; error in left-out parts %.4f", best.modes, best.lag, errors[best]
    )
    return best


def fit(data: OceanData, shape: Shape, usable_T: NDArray[np.bool_]) -> LinearInverseModel:
    """The linear inverse model of these months."""
    return fit_lim(
        data.anomalies_TCYX,
        scales=data.scales,
        lat=data.lat,
        usable_T=usable_T,
        modes=shape.modes,
        lag=shape.lag,
    )


def make_guesses(data: OceanData, config: GeoformerConfig, shape: Shape) -> Guesses:
    """See the module."""
    part_T = np.zeros(len(data.months), dtype=np.int64)
    if config.residual != "lim":
        return Guesses(lims=(), part_T=part_T, leads=config.horizon)
    parts = _parts(data, config)
    for number, part in enumerate(parts):
        part_T[part] = number
    lims = tuple(fit(data, shape, _without(data, part, config.horizon)) for part in parts)
    return Guesses(lims=lims, part_T=part_T, leads=config.horizon)


def _error(data: OceanData, config: GeoformerConfig, shape: Shape) -> float:
    total = 0.0
    for part in _parts(data, config):
        lim = fit(data, shape, _without(data, part, config.horizon))
        told = data.index(lim.forecast(data.anomalies_TCYX[part], config.horizon))
        true = data.index(data.futures(part, config.horizon, data.usable_T))
        total += float(np.nansum(np.square(told - true)))
    return total / len(data.train)


def _parts(data: OceanData, config: GeoformerConfig) -> Sequence[NDArray[np.int64]]:
    """The training windows in parts that follow one another."""
    return [part for part in np.array_split(data.train, config.lim_folds) if len(part)]


def _without(data: OceanData, part: NDArray[np.int64], horizon: int) -> NDArray[np.bool_]:
    """The months to learn from but those of the part, and those its forecasts are compared with."""
    usable_T = data.usable_T.copy()
    usable_T[part[0] : part[-1] + horizon + 1] = False
    return usable_T
