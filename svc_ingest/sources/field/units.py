"""Units of variables, converted to those a channel is kept in."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import pint
from cf_xarray.units import units as cf_units
from numpy.typing import NDArray

from shared.errors import InvalidInputError

# Spellings that are everywhere in ocean data, and that pint takes for degrees times coulombs or does not know.
CELSIUS = {"deg c", "deg. c", "degrees c", "degree c", "degrees_c", "degrees_celsius", "degrees celsius", "°c"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversion:
    """`value * factor + offset`."""

    factor: float
    offset: float

    def apply(self, values: NDArray[Any]) -> NDArray[np.float32]:
        """The values in the unit they are kept in."""
        if self.factor == 1 and self.offset == 0:
            return values.astype(np.float32)
        return (values.astype(np.float64) * self.factor + self.offset).astype(np.float32)


@cache
def conversion(given: str, wanted: str, *, is_difference: bool) -> Conversion:
    """From one unit to another; differences of temperatures have no offset.

    Raises:
        InvalidInputError: the unit is not known, or measures something else.
    """
    try:
        unit = cf_units.Unit("degC" if given.strip().lower() in CELSIUS else given)
        zero, one = (float(cf_units.Quantity(value, unit).to(wanted).magnitude) for value in (0.0, 1.0))
    except pint.DimensionalityError:
        raise InvalidInputError.of("units", f"{given!r} cannot be converted to {wanted!r}") from None
    except Exception:  # noqa: BLE001 - pint fails in many ways on text that is no unit
        raise InvalidInputError.of("units", f"{given!r} is no unit") from None
    # Rounded, because 1 K is -272.15 degC only up to what floats leave: a factor of 1 must be 1.
    return Conversion(factor=round(one - zero, 12), offset=0.0 if is_difference else round(zero, 9))
