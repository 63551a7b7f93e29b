"""The first guesses of a training: the one that is kept, and those that the networks learn to correct.

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

from shared.modeling.geoformer.guess import FirstGuess, NoGuess
from shared.modeling.geoformer.lim import Floats, LinearInverseModel, fit_lim
from shared.modeling.geoformer.seasonal import SeasonalModel, fit_seasonal
from shared.modeling.geoformer.spec import LIM, NONE
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
        models: one for each part of the training period.
        part_T: which of them a window takes, by its last month.
        leads: months ahead.
    """

    models: tuple[FirstGuess, ...]
    part_T: NDArray[np.int64]
    leads: int

    def of(self, rows: NDArray[np.int64], histories_NTCYX: Floats, months_NT: NDArray[np.int64]) -> Floats:
        """[N, F, C, Y, X]: each window's, by the model of its part."""
        parts_N = self.part_T[rows]
        told = [
            self.models[part].forecast(history[None], months[None], self.leads)
            for part, history, months in zip(parts_N.tolist(), histories_NTCYX, months_NT, strict=True)
        ]
        return np.concatenate(told)


def choose_shape(data: OceanData, config: GeoformerConfig) -> Shape:
    """The given shape, or of those tried the one whose Nino3.4 forecasts of left-out parts are the best.

    Best is the least squared error, added up over all leads.
    """
    if config.lim_modes:
        return Shape(modes=config.lim_modes, lag=config.lim_lag)
    shapes = [Shape(modes=modes, lag=lag) for modes, lag in product(MODES, LAGS)]
    errors = {shape: _error(data, config, shape) for shape in shapes}
    best = min(errors, key=lambda shape: errors[shape])
    log.info("linear inverse model: %d patterns, lag %d; left-out error %.4f", best.modes, best.lag, errors[best])
    return best


def fit_linear(data: OceanData, shape: Shape, usable_T: NDArray[np.bool_]) -> LinearInverseModel:
    """The linear inverse model of these months."""
    return fit_lim(
        data.anomalies_TCYX,
        scales=data.scales,
        lat=data.lat,
        usable_T=usable_T & _observed(data),
        modes=shape.modes,
        lag=shape.lag,
    )


def fit_with_seasons(data: OceanData, config: GeoformerConfig, usable_T: NDArray[np.bool_]) -> SeasonalModel:
    """The linear model with seasons and memory of these months."""
    return fit_seasonal(
        data.anomalies_TCYX,
        data.calendar,
        scales=data.scales,
        lat=data.lat,
        usable_T=usable_T & _observed(data),
        modes=config.seasonal_modes,
        ridge=config.seasonal_ridge,
        history=config.history,
        leads=config.horizon,
    )


def fit_guess(data: OceanData, config: GeoformerConfig, shape: Shape, usable_T: NDArray[np.bool_]) -> FirstGuess:
    """What the networks correct, fitted to these months."""
    if config.residual == NONE:
        return NoGuess()
    if config.residual == LIM:
        return fit_linear(data, shape, usable_T)
    return fit_with_seasons(data, config, usable_T)


def make_guesses(data: OceanData, config: GeoformerConfig, shape: Shape) -> Guesses:
    """See the module."""
    part_T = np.zeros(len(data.months), dtype=np.int64)
    parts = _parts(data, config)
    for number, part in enumerate(parts):
        part_T[part] = number
    models = tuple(fit_guess(data, config, shape, _without(data, part, config.horizon)) for part in parts)
    return Guesses(models=models, part_T=part_T, leads=config.horizon)


def _observed(data: OceanData) -> NDArray[np.bool_]:
    """Months that say something of the temperature: one that does not would leave a linear model no place to know."""
    return np.asarray(np.isfinite(data.anomalies_TCYX[:, data.temperature]).any(axis=(1, 2)))


def _error(data: OceanData, config: GeoformerConfig, shape: Shape) -> float:
    total = 0.0
    for part in _parts(data, config):
        lim = fit_linear(data, shape, _without(data, part, config.horizon))
        told = lim.amplitudes_ahead(data.anomalies_TCYX[part], config.horizon) @ data.index(lim.expand_KCYX)
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
