"""First guesses: what the networks of a Geoformer correct."""

# ruff: noqa: N803 - names end in their shape, in capitals

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from shared.modeling.geoformer.lim import Floats


class FirstGuess(Protocol):
    """A forecast that is simpler than the networks'."""

    def forecast(self, histories_NTCYX: Floats, months_NT: NDArray[np.int64], leads: int) -> Floats:
        """[N, F, C, Y, X]: finite everywhere, 0 where nothing can be said.

        Args:
            histories_NTCYX: anomalies in their own units, oldest first; NaN where not known.
            months_NT: calendar months, 0 = January.
            leads: months ahead.
        """


class NoGuess:
    """What is usual at that time of the year: no anomaly."""

    def forecast(self, histories_NTCYX: Floats, months_NT: NDArray[np.int64], leads: int) -> Floats:
        """See `FirstGuess`."""
        del months_NT
        count, _, *shape = histories_NTCYX.shape
        return np.zeros((count, leads, *shape), dtype=np.float32)
