"""How good forecasts are, by lead and by the calendar month they start in."""

# ruff: noqa: N803, N806, N815 - names end in their shape, in capitals

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shared.modeling.geoformer.lim import Floats
from svc_train.recipes.geoformer.data import INDEX, OceanData

# With fewer a correlation says nothing.
FEWEST_CASES = 3
CALENDAR = 12
CORRELATION, RMSE = "correlation", "rmse"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Skill:
    """Of one way to forecast; NaN where there are too few cases, or nothing that varies.

    Args:
        rmse_CF: by channel and lead, in the channel's unit, by area.
        correlation_F: of the Nino3.4 index, by lead.
        index_rmse_F: of the Nino3.4 index, in degrees C.
        correlation_MF: of the index, by the calendar month of the last month known (0 = January), and lead.
    """

    rmse_CF: NDArray[np.float64]
    correlation_F: NDArray[np.float64]
    index_rmse_F: NDArray[np.float64]
    correlation_MF: NDArray[np.float64]

    def metrics(self, name: str = "") -> dict[str, float]:
        """Means over the leads, and the numbers of each lead; what is not defined is left out.

        Args:
            name: of what the forecaster is compared with; it stands before each metric's name.
        """
        prefix = f"{name}_" if name else ""
        found: dict[str, float] = {}
        for measure, values_F in ((CORRELATION, self.correlation_F), (RMSE, self.index_rmse_F)):
            by_lead = {lead: value for lead, value in enumerate(values_F.tolist(), start=1) if np.isfinite(value)}
            if by_lead:
                found[f"{prefix}{INDEX}_{measure}"] = sum(by_lead.values()) / len(by_lead)
            found |= {f"{prefix}{INDEX}_{measure}_lead_{lead:02d}": value for lead, value in by_lead.items()}
        return found


def measure(data: OceanData, forecasts_NFCYX: Floats) -> Skill:
    """The skill of forecasts of the test windows; months behind the end of the data count for nothing."""
    leads = forecasts_NFCYX.shape[1]
    truth_NFCYX = data.futures(data.test, leads, data.scored_T)
    told_NF, true_NF = data.index(forecasts_NFCYX), data.index(truth_NFCYX)
    start_N = data.calendar[data.test]
    return Skill(
        rmse_CF=_rmse(forecasts_NFCYX, truth_NFCYX, data.area_Y),
        correlation_F=_correlations(told_NF, true_NF),
        index_rmse_F=_mean_over_known(np.square(told_NF - true_NF)) ** 0.5,
        correlation_MF=np.stack(
            [_correlations(told_NF[start_N == month], true_NF[start_N == month]) for month in range(CALENDAR)]
        ),
    )


def skill_report(data: OceanData, skills: Mapping[str, Skill]) -> dict[str, Any]:
    """JSON values for `skill.json`; null where there is no number."""
    scored = [month for month, is_scored in zip(data.months, data.scored_T, strict=True) if is_scored]
    return {
        "schema": "upwell.skill/v1",
        "scored": [f"{scored[0]:%Y-%m}", f"{scored[-1]:%Y-%m}"],
        "bases": dict(zip(data.channels, data.bases, strict=True)),
        # Above 0: the usual year knows something of the months that are scored.
        "scored_months_in_base": data.scored_in_base,
        "windows": len(data.test),
        "leads": len(next(iter(skills.values())).correlation_F),
        "forecasts": {name: _as_json(data, skill) for name, skill in skills.items()},
    }


def _as_json(data: OceanData, skill: Skill) -> dict[str, Any]:
    return {
        "rmse": dict(zip(data.channels, _listed(skill.rmse_CF), strict=True)),
        f"{INDEX}_correlation": _listed(skill.correlation_F),
        f"{INDEX}_rmse": _listed(skill.index_rmse_F),
        f"{INDEX}_correlation_by_start_month": _listed(skill.correlation_MF),
    }


def _listed(values: NDArray[np.float64]) -> Any:
    rounded = values.round(6).astype(object)
    rounded[~np.isfinite(values)] = None
    return rounded.tolist()


def _rmse(told_NFCYX: Floats, true_NFCYX: Floats, area_Y: Floats) -> NDArray[np.float64]:
    known = np.isfinite(told_NFCYX) & np.isfinite(true_NFCYX)
    weights = known * area_Y[:, None]
    squares = np.where(known, told_NFCYX - true_NFCYX, 0) ** 2
    total_FC = weights.sum(axis=(0, 3, 4), dtype=np.float64)
    error_FC = (squares * weights).sum(axis=(0, 3, 4), dtype=np.float64)
    mean_FC = np.divide(error_FC, total_FC, out=np.full_like(total_FC, np.nan), where=total_FC > 0)
    return np.asarray(np.sqrt(mean_FC).T)


def _mean_over_known(values_NF: NDArray[np.float64]) -> NDArray[np.float64]:
    known_NF = np.isfinite(values_NF)
    cases_F = known_NF.sum(axis=0)
    total_F = np.where(known_NF, values_NF, 0).sum(axis=0)
    return np.asarray(np.divide(total_F, cases_F, out=np.full(len(cases_F), np.nan), where=cases_F > 0))


def _correlations(told_NF: NDArray[np.float64], true_NF: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.array([_correlation(told, true) for told, true in zip(told_NF.T, true_NF.T, strict=True)])


def _correlation(told_N: NDArray[np.float64], true_N: NDArray[np.float64]) -> float:
    known = np.isfinite(told_N) & np.isfinite(true_N)
    told, true = told_N[known], true_N[known]
    if len(told) < FEWEST_CASES:
        return float("nan")
    told, true = told - told.mean(), true - true.mean()
    power = float(np.sqrt((told**2).sum() * (true**2).sum()))
    return float((told * true).sum()) / power if power > 1e-12 else float("nan")
