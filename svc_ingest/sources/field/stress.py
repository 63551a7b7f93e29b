"""Wind stress from winds."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

AIR_DENSITY = 1.22
"""kg m-3, of air over the sea."""


def drag_coefficient(speed: NDArray[np.float32]) -> NDArray[np.float32]:
    """The drag of the sea on wind of this speed (m s-1) at 10 m, without unit.

    1.2e-3 up to 11 m s-1, (0.49 + 0.065 |U|) 1e-3 above: Large and Pond, "Open ocean momentum flux measurements in
    moderate to strong winds", Journal of Physical Oceanography 11 (1981). They measured from 4 to 25 m s-1.
    """
    return np.where(speed < 11, np.float32(1.2e-3), (0.49 + 0.065 * speed) * 1e-3).astype(np.float32)


def stress_of(
    component: NDArray[np.float32], eastward: NDArray[np.float32], northward: NDArray[np.float32]
) -> NDArray[np.float32]:
    """The stress (N m-2) along a component of the wind: rho_air * Cd * |U| * component, all winds in m s-1.

    Of monthly mean winds this is an approximation from below: gusts within the month add to the stress.
    """
    speed = np.hypot(eastward, northward)
    return np.asarray(AIR_DENSITY * drag_coefficient(speed) * speed * component)
