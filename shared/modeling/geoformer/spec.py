"""What a Geoformer is, apart from its weights: everything that must be equal where it is trained and served."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from itertools import pairwise
from typing import Any

from shared.errors import IntegrityError, InvalidInputError
from shared.fields.bases import check_bases

RESIDUALS = NONE, LIM, SEASONAL = "none", "lim", "seasonal"
_TUPLES = ("channels", "scales", "lat", "lon", "patch", "units", "bases")
# Bundles made before these were recorded are read without them.
_LATER = {"units", "bases"}


@dataclass(frozen=True, slots=True, kw_only=True)
class GeoformerSpec:
    """The grid, the channels and the shape of a Geoformer.

    Args:
        channels: names of the fields, in the order of the network's inputs and outputs.
        scales: what an anomaly of each channel is divided by, in the channel's unit.
        lat, lon: degrees of the grid's centres, latitude from south to north, longitude from west to east.
        patch: rows and columns of the grid that become one token.
        history: months a forecast is made from.
        horizon: months that can be forecast, at most.
        d_model: size of a token.
        heads: attention heads; divides `d_model`.
        encoder_layers, decoder_layers: how many.
        members: networks of that shape whose mean is the forecast.
        residual: what the networks correct: a linear inverse model (`lim`), a linear model with seasons and memory
            (`seasonal`), or nothing (`none`).
        guess_modes: patterns of that linear model; 0 without one.
        units: of each channel; none where they are not known.
        bases: what the anomalies of each channel depart from, see `shared/fields/bases.py`; none where not known.

    Raises:
        InvalidInputError: the numbers do not fit together.
    """

    channels: tuple[str, ...]
    scales: tuple[float, ...]
    lat: tuple[float, ...]
    lon: tuple[float, ...]
    patch: tuple[int, int] = (3, 7)
    history: int = 12
    horizon: int = 20
    d_model: int = 64
    heads: int = 4
    encoder_layers: int = 2
    decoder_layers: int = 2
    members: int = 1
    residual: str = NONE
    guess_modes: int = 0
    units: tuple[str, ...] = ()
    bases: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        _check_fields(self)
        _check_network(self)

    @property
    def patch_rows(self) -> int:
        """Patches from south to north; the northernmost may reach beyond the grid."""
        return math.ceil(len(self.lat) / self.patch[0])

    @property
    def patch_columns(self) -> int:
        """Patches from west to east; the easternmost may reach beyond the grid."""
        return math.ceil(len(self.lon) / self.patch[1])

    @property
    def patches(self) -> int:
        """Tokens of a month."""
        return self.patch_rows * self.patch_columns

    @property
    def shape(self) -> tuple[int, int, int]:
        """Channels, latitudes, longitudes."""
        return len(self.channels), len(self.lat), len(self.lon)

    def to_json(self) -> dict[str, Any]:
        """JSON values, for a bundle."""
        return {name: list(value) if name in _TUPLES else value for name, value in asdict(self).items()}


def _check_fields(spec: GeoformerSpec) -> None:
    if not spec.channels or len(set(spec.channels)) != len(spec.channels):
        raise InvalidInputError.of("channels", f"need at least one and each once, not {list(spec.channels)}")
    if len(spec.scales) != len(spec.channels) or min(spec.scales) <= 0:
        raise InvalidInputError.of("scales", f"need one above 0 for each channel, not {list(spec.scales)}")
    if spec.units and len(spec.units) != len(spec.channels):
        raise InvalidInputError.of("units", f"need one for each channel, not {list(spec.units)}")
    check_bases(spec.bases, spec.channels)
    for name, axis in (("lat", spec.lat), ("lon", spec.lon)):
        if len(axis) < 2 or any(a >= b for a, b in pairwise(axis)):
            raise InvalidInputError.of(name, "needs two or more degrees, each larger than the one before")


def _check_network(spec: GeoformerSpec) -> None:
    if len(spec.patch) != 2 or min(spec.patch) < 1:
        raise InvalidInputError.of("patch", f"needs rows and columns from 1 up, not {list(spec.patch)}")
    for name in ("history", "horizon", "heads", "encoder_layers", "decoder_layers", "members"):
        if getattr(spec, name) < 1:
            raise InvalidInputError.of(name, f"{getattr(spec, name)}: at least 1")
    if spec.d_model < 1 or spec.d_model % (2 * spec.heads):
        raise InvalidInputError.of("d_model", f"{spec.d_model} is not a multiple of twice the {spec.heads} heads")
    if spec.residual not in RESIDUALS:
        raise InvalidInputError.of("residual", f"{spec.residual!r} is not one of: {', '.join(RESIDUALS)}")
    if (spec.guess_modes > 0) != (spec.residual != NONE):
        raise InvalidInputError.of("guess_modes", f"{spec.guess_modes}, but the residual is {spec.residual!r}")


def parse_spec(body: Mapping[str, Any]) -> GeoformerSpec:
    """Read a bundle's spec; IntegrityError when a field is absent, unknown or wrong."""
    names = {field.name for field in fields(GeoformerSpec)}
    if not names - _LATER <= set(body) <= names:
        raise IntegrityError(f"The bundle's spec has the fields {sorted(body)}; this release reads {sorted(names)}")
    try:
        values: dict[str, Any] = {name: tuple(value) if name in _TUPLES else value for name, value in body.items()}
        return GeoformerSpec(**values)
    except (InvalidInputError, TypeError, AttributeError) as error:
        raise IntegrityError(f"The bundle's spec is wrong: {error}") from error
