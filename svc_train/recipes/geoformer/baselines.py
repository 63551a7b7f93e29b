"""What a forecast has to beat: persistence, damped persistence and linear models, fitted to the same months."""

# ruff: noqa: N803, N806 - names end in their shape, in capitals

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from shared.modeling.geoformer.guess import FirstGuess
from shared.modeling.geoformer.lim import Floats
from svc_train.recipes.geoformer.data import OceanData

PERSISTENCE, DAMPED = "persistence", "damped_persistence"


def baseline_forecasts(
    data: OceanData, models: Mapping[str, FirstGuess], *, history: int, leads: int
) -> dict[str, Floats]:
    """Forecasts of the test windows by name, [N, F, C, Y, X]; `models` are fitted ones by name."""
    histories_NTCYX, months_NT = data.histories(data.test, history)
    last_NCYX = np.nan_to_num(histories_NTCYX[:, -1])
    persistent = np.repeat(last_NCYX[:, None], leads, axis=1)
    return {
        PERSISTENCE: persistent,
        DAMPED: persistent * damping(data, leads),
        **{name: model.forecast(histories_NTCYX, months_NT, leads) for name, model in models.items()},
    }


def damping(data: OceanData, leads: int) -> Floats:
    """[F, C, Y, X]: how much of an anomaly is left after each lead, by least squares over the months to learn from.

    Never less than nothing: an anomaly that turned into its opposite did not persist, and is forecast as 0.
    """
    values_TCYX = np.nan_to_num(data.anomalies_TCYX)
    shares = [_share_left(values_TCYX, data.usable_T, lead) for lead in range(1, leads + 1)]
    return np.stack(shares).astype(np.float32)


def _share_left(values_TCYX: Floats, usable_T: NDArray[np.bool_], lead: int) -> Floats:
    pairs = np.flatnonzero(usable_T[:-lead] & usable_T[lead:])
    before, after = values_TCYX[pairs], values_TCYX[pairs + lead]
    power = np.square(before).sum(axis=0)
    together = (before * after).sum(axis=0)
    share = np.divide(together, power, out=np.zeros_like(power), where=power > 0)
    return np.asarray(np.maximum(share, 0))
