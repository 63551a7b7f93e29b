"""Wind stress from winds."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

AIR_DENSITY = 1.22
"""kg m-3: dry air at 1013 hPa and 16 degrees C, a constant that is usual for winds over the sea. Moist air at 27
degrees has 1.16, so that stress over warm water comes out about 5 % too strong."""


def drag_coefficient(speed: NDArray[np.float32]) -> NDArray[np.float32]:
    """The drag of the sea on wind of this speed (m s-1) at 10 m, without unit.

    1.2e-3 from 4 to 11 m s-1 and (0.49 + 0.065 |U|) 1e-3 from 11 to 25 m s-1, for a neutral surface layer: Large and
    Pond, "Open ocean momentum flux measurements in moderate to strong winds", Journal of Physical Oceanography 11
    (1981), 324-336, doi:10.1175/1520-0485(1981)011<0324:OOMFMI>2.0.CO;2. Both are carried on below and above. Others
    join the line at 10 m s-1, with 1.14e-3 below, and let the drag grow again below 3 m s-1 (Trenberth and others,
    "The mean annual cycle in global ocean wind stress", Journal of Physical Oceanography 20 (1990)).
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
