"""What a Geoformer is, apart from its weights: everything that must be equal where it is trained and served."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from shared.errors import IntegrityError, InvalidInputError

RESIDUALS = NONE, LIM = "none", "lim"
_TUPLES = ("channels", "scales", "lat", "lon", "patch")


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
        residual: `lim`: the networks correct the forecast of a linear inverse model; `none`: they make the forecast.

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

    def __post_init__(self) -> None:
        if not self.channels or len(set(self.channels)) != len(self.channels):
            raise InvalidInputError.of("channels", f"need at least one and each once, not {list(self.channels)}")
        if len(self.scales) != len(self.channels) or min(self.scales) <= 0:
            raise InvalidInputError.of("scales", f"need one above 0 for each channel, not {list(self.scales)}")
        for name, axis in (("lat", self.lat), ("lon", self.lon)):
            if len(axis) < 2 or any(a >= b for a, b in zip(axis, axis[1:], strict=False)):
                raise InvalidInputError.of(name, "needs two or more degrees, each larger than the one before")
        if len(self.patch) != 2 or min(self.patch) < 1:
            raise InvalidInputError.of("patch", f"needs rows and columns from 1 up, not {list(self.patch)}")
        if self.heads < 1 or self.d_model % (2 * self.heads):
            raise InvalidInputError.of("d_model", f"{self.d_model} is not a multiple of twice the {self.heads} heads")
        counted = ("history", "horizon", "encoder_layers", "decoder_layers", "members")
        for name in counted:
            if getattr(self, name) < 1:
                raise InvalidInputError.of(name, f"{getattr(self, name)}: at least 1")
        if self.residual not in RESIDUALS:
            raise InvalidInputError.of("residual", f"{self.residual!r} is not one of: {', '.join(RESIDUALS)}")

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


def parse_spec(body: Mapping[str, Any]) -> GeoformerSpec:
    """Read a bundle's spec; IntegrityError when a field is absent, unknown or wrong."""
    names = {field.name for field in fields(GeoformerSpec)}
    if set(body) != names:
        raise IntegrityError(f"The bundle's spec has the fields {sorted(body)}; this release reads {sorted(names)}")
    try:
        return GeoformerSpec(**{name: tuple(value) if name in _TUPLES else value for name, value in body.items()})
    except (InvalidInputError, TypeError, AttributeError) as error:
        raise IntegrityError(f"The bundle's spec is wrong: {error}") from error
