"""The channels that models know: the sea-surface temperature, and the wind stress."""

from __future__ import annotations

SST = "sst"
EASTWARD_STRESS, NORTHWARD_STRESS = WIND_STRESS = ("taux", "tauy")
UNITS = {SST: "degC", EASTWARD_STRESS: "N m-2", NORTHWARD_STRESS: "N m-2"}
