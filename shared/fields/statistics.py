"""What can be said of a sample in one number, one month or one word.

A statistic is a number for each month: an index of a box, or the mean of the whole grid. A measure makes one value of
it, over the months that are shown (`history`) or over those that follow (`future`).
"""

# ruff: noqa: N806 - names end in their shape, in capitals

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shared.fields.channels import SST, WIND_STRESS
from shared.fields.nino import nino_indices
from shared.fields.samples import FieldSample

HISTORY, FUTURE = "history", "future"
SST_MEAN = "sst_mean"
# Boxes whose mean wind stress is spoken of: where the trade winds weaken first, and where the index is measured.
WIND_BOXES = ("nino4", "nino34")
# From this anomaly on a month counts as warm (El Nino) or, below its negative, as cold (La Nina); degrees C.
PHASE = 0.5
Monthly = Mapping[str, NDArray[np.float64]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """One statistic in a sample's months.

    Args:
        history, future: its values.
        months: `2009-11` for each value of history, then of future.
        decimals: that are spoken.
    """

    history: NDArray[np.float64]
    future: NDArray[np.float64]
    months: tuple[str, ...]
    decimals: int

    def rounded(self, value: float) -> float:
        """As it is spoken: words are about this number, so that they never contradict it."""
        return round(float(value), self.decimals) + 0.0

    def part(self, name: str) -> NDArray[np.float64]:
        """The values of history or of future."""
        return self.history if name == HISTORY else self.future

    def months_of(self, name: str) -> tuple[str, ...]:
        """The months of that part."""
        return self.months[: len(self.history)] if name == HISTORY else self.months[len(self.history) :]


def is_wind(statistic: str) -> bool:
    """Whether it is in N m-2; the others are in degrees C."""
    return statistic.startswith(WIND_STRESS)


def decimals_of(statistic: str) -> int:
    """Decimals that are spoken of it."""
    return 3 if is_wind(statistic) else 1


def monthly_statistics(sample: FieldSample) -> Monthly:
    """Name -> float64 [months of history, then of future]; NaN where too little is known.

    `nino12`, `nino3`, `nino34`, `nino4` and `sst_mean` (of the whole grid) in degrees C; `taux_nino4`, `tauy_nino34`
    and so on in N m-2. What the channels or the grid do not hold is absent.
    """
    found: dict[str, NDArray[np.float64]] = {}
    values_TCYX = sample.all_months_TCYX
    for number, channel in enumerate(sample.channels):
        if channel == SST:
            indices = nino_indices(values_TCYX[:, number], sample.lat, sample.lon)
            found |= {name: index.astype(np.float64) for name, index in indices.items()}
            found[SST_MEAN] = _grid_mean(values_TCYX[:, number], sample.lat)
        elif channel in WIND_STRESS:
            indices = nino_indices(values_TCYX[:, number], sample.lat, sample.lon)
            found |= {f"{channel}_{box}": indices[box].astype(np.float64) for box in WIND_BOXES if box in indices}
    return found


def window_of(statistic: str, monthly: Monthly, sample: FieldSample) -> Window:
    """A statistic's months, cut into history and future."""
    values = monthly[statistic]
    return Window(
        history=values[: sample.history],
        future=values[sample.history :],
        months=sample.months,
        decimals=decimals_of(statistic),
    )


def _grid_mean(values_TYX: NDArray[np.float32], lat: NDArray[np.float64]) -> NDArray[np.float64]:  # noqa: N803
    weights_Y1 = np.cos(np.radians(lat))[:, None]
    known_TYX = np.isfinite(values_TYX)
    area_T = (known_TYX * weights_Y1).sum(axis=(1, 2))
    sum_T = (np.where(known_TYX, values_TYX, 0).astype(np.float64) * weights_Y1).sum(axis=(1, 2))
    return np.where(area_T > 0, sum_T / np.where(area_T > 0, area_T, 1), np.nan)


def _change(window: Window, part: str) -> float:
    """From the first shown month to the last one; of the future, from the last shown month to the last one.

    Between these as they are spoken, so that first, last and change of an answer add up.
    """
    first = window.history[0] if part == HISTORY else window.history[-1]
    return window.rounded(window.part(part)[-1]) - window.rounded(first)


NUMBERS: Mapping[str, Callable[[Window, str], float]] = {
    "first": lambda window, part: float(window.part(part)[0]),
    "last": lambda window, part: float(window.part(part)[-1]),
    "mean": lambda window, part: float(window.part(part).mean()),
    "highest": lambda window, part: float(window.part(part).max()),
    "lowest": lambda window, part: float(window.part(part).min()),
    "change": _change,
}
MONTHS: Mapping[str, Callable[[Window, str], str]] = {
    "highest_month": lambda window, part: window.months_of(part)[int(window.part(part).argmax())],
    "lowest_month": lambda window, part: window.months_of(part)[int(window.part(part).argmin())],
}


def _direction(window: Window, part: str) -> str:
    change = window.rounded(_change(window, part))
    return "rises" if change > 0 else "falls" if change < 0 else "stays"


def _phase(window: Window, part: str) -> str:
    last = window.rounded(NUMBERS["last"](window, part))
    return "warm" if last >= PHASE else "cold" if last <= -PHASE else "neutral"


def _side(window: Window, part: str) -> str:
    mean = window.rounded(NUMBERS["mean"](window, part))
    return "positive" if mean > 0 else "negative" if mean < 0 else "none"


WORDS: Mapping[str, Callable[[Window, str], str]] = {"direction": _direction, "phase": _phase, "side": _side}
