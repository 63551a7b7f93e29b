"""What a channel may be: how its variable is known, its unit, and what is possible."""

from __future__ import annotations

from dataclasses import dataclass

from shared.fields.channels import EASTWARD_STRESS, NORTHWARD_STRESS, SST
from shared.fields.plausible import DEPTH


@dataclass(frozen=True, slots=True, kw_only=True)
class Quantity:
    """A kind of measurement.

    Args:
        units: what it is kept in.
        low, high: values outside are no measurement of it. Of a month's anomaly, see `shared/fields/plausible.py`.
        standard_names: CF standard names of variables that are it.
        names: usual names of variables that are it, lower case.
        long_name: for messages.
    """

    units: str
    low: float
    high: float
    standard_names: frozenset[str] = frozenset()
    names: frozenset[str] = frozenset()
    long_name: str


TEMPERATURE = Quantity(units="degC", low=-5, high=60, long_name="sea temperature")

# `u` and `v` become wind stress; the others are channels as they are.
QUANTITIES = {
    SST: Quantity(
        units="degC",
        low=-5,
        high=60,
        standard_names=frozenset(
            {
                "sea_surface_temperature",
                "sea_surface_temperature_anomaly",
                "sea_surface_foundation_temperature",
                "sea_surface_skin_temperature",
                "sea_surface_subskin_temperature",
                "surface_temperature",
            }
        ),
        names=frozenset({"sst", "tos", "ssta", "sst_anom", "sst_anomaly", "sea_surface_temperature"}),
        long_name="sea-surface temperature",
    ),
    EASTWARD_STRESS: Quantity(
        units="N m-2",
        low=-20,
        high=20,
        standard_names=frozenset({"surface_downward_eastward_stress", "surface_downward_x_stress"}),
        names=frozenset({"taux", "tauu", "tauuo"}),
        long_name="eastward wind stress",
    ),
    NORTHWARD_STRESS: Quantity(
        units="N m-2",
        low=-20,
        high=20,
        standard_names=frozenset({"surface_downward_northward_stress", "surface_downward_y_stress"}),
        names=frozenset({"tauy", "tauv", "tauvo"}),
        long_name="northward wind stress",
    ),
    "ssh": Quantity(
        units="m",
        low=-10,
        high=10,
        standard_names=frozenset({"sea_surface_height_above_geoid", "sea_surface_height_above_sea_level"}),
        names=frozenset({"ssh", "zos", "adt", "sla"}),
        long_name="sea-surface height",
    ),
    "u": Quantity(
        units="m s-1",
        low=-150,
        high=150,
        standard_names=frozenset({"eastward_wind", "x_wind"}),
        names=frozenset({"u", "uwnd", "u10", "uas"}),
        long_name="eastward wind",
    ),
    "v": Quantity(
        units="m s-1",
        low=-150,
        high=150,
        standard_names=frozenset({"northward_wind", "y_wind"}),
        names=frozenset({"v", "vwnd", "v10", "vas"}),
        long_name="northward wind",
    ),
}
WINDS = ("u", "v")


def quantity_of(channel: str) -> Quantity | None:
    """What a channel is by its name; `t` and a depth, as in `t100`, is the temperature at so many metres."""
    return TEMPERATURE if DEPTH.fullmatch(channel) else QUANTITIES.get(channel)
