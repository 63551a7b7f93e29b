"""The linear model with seasons and memory."""

# ruff: noqa: N806 - names end in their shape, in capitals

from __future__ import annotations

import numpy as np
import pytest

from shared.modeling.geoformer.lim import fit_lim
from shared.modeling.geoformer.seasonal import SeasonalModel, fit_seasonal

LAT = np.array([-3.0, 0.0, 3.0])
HISTORY = 8


def seasonal_system(months: int = 1200) -> np.ndarray:
    """A pattern that grows in one half of the year, decays in the other, and remembers what was six months ago."""
    random = np.random.default_rng(2)
    pattern = random.normal(size=12)
    state = np.zeros(months)
    for month in range(6, months):
        growth = 0.7 + 0.3 * np.cos(2 * np.pi * (month - 1) / 12)
        state[month] = growth * state[month - 1] - 0.3 * state[month - 6] + random.normal(0, 0.1)
    return (state[:, None] * pattern).reshape(months, 1, 3, 4).astype(np.float32)


def fit(fields: np.ndarray, usable: np.ndarray, *, history: int = HISTORY, modes: int = 1) -> SeasonalModel:
    return fit_seasonal(
        fields,
        np.arange(len(fields)) % 12,
        scales=(1.0,),
        lat=LAT,
        usable_T=usable,
        modes=modes,
        ridge=1e-6,
        history=history,
        leads=3,
    )


def test_it_knows_of_seasons_and_of_what_came_before() -> None:
    fields = seasonal_system()
    usable = np.arange(1200) < 900
    ends = np.arange(900 + HISTORY, 1200 - 3)
    rows_NT = ends[:, None] + np.arange(1 - HISTORY, 1)
    lim = fit_lim(fields, scales=(1.0,), lat=LAT, usable_T=usable, modes=1)
    models = {"seasonal": fit(fields, usable), "short": fit(fields, usable, history=2), "lim": lim}
    errors = {}
    for name, model in models.items():
        history = 2 if name == "short" else HISTORY
        told = model.forecast(fields[rows_NT[:, -history:]], rows_NT[:, -history:] % 12, 3)
        assert told.shape == (len(ends), 3, 1, 3, 4)
        errors[name] = np.sqrt(np.mean((told[:, 0] - fields[ends + 1]) ** 2))
    noise = 0.1 * np.sqrt(np.mean(np.random.default_rng(2).normal(size=12) ** 2))
    assert errors["seasonal"] < errors["short"] < errors["lim"]
    assert errors["seasonal"] == pytest.approx(noise, rel=0.15)


def test_months_that_may_not_be_used_change_nothing() -> None:
    fields = seasonal_system(300)
    usable = np.ones(300, dtype=bool)
    usable[100:150] = False
    other = fields.copy()
    other[100:150] = 50.0
    first, second = fit(fields, usable), fit(other, usable)
    np.testing.assert_allclose(first.weights_FJK, second.weights_FJK, atol=1e-6)


def test_what_is_not_known_counts_as_usual() -> None:
    fields = seasonal_system(300)
    model = fit(fields, np.ones(300, dtype=bool))
    history = fields[None, 100 : 100 + HISTORY].copy()
    months = np.arange(HISTORY)[None]
    history[0, :-1] = np.nan
    zeros = np.nan_to_num(history)
    np.testing.assert_array_equal(model.forecast(history, months, 2), model.forecast(zeros, months, 2))
