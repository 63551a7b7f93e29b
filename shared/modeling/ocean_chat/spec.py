"""What a bundle of the family says of itself beside its weights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from shared.errors import IntegrityError, InvalidInputError
from shared.modeling.geoformer.spec import GeoformerSpec
from shared.modeling.geoformer.spec import parse_spec as parse_geoformer

LINEAR, MLP, RESAMPLER = "linear", "mlp", "resampler"
ADAPTERS = (LINEAR, MLP, RESAMPLER)
# Attention heads of the resampler.
HEADS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class OceanChatSpec:
    """The network apart from its weights.

    Args:
        geoformer: what reads the fields.
        adapter: `linear`, `mlp` or `resampler`.
        tokens: embeddings that a month becomes (linear, mlp), or that all months together become (resampler).
        max_length: tokens of the longest conversation, fields included.
        blind: True for a model that was trained without seeing the fields, to be compared with.

    Raises:
        InvalidInputError: the adapter is unknown or does not fit the Geoformer, or a number is too small.
    """

    geoformer: GeoformerSpec
    adapter: str = LINEAR
    tokens: int = 2
    max_length: int = 512
    blind: bool = False

    def __post_init__(self) -> None:
        if self.adapter not in ADAPTERS:
            raise InvalidInputError.of("adapter", f"{self.adapter!r} is not one of: {', '.join(ADAPTERS)}")
        for name, least in (("tokens", 1), ("max_length", 2)):
            if getattr(self, name) < least:
                raise InvalidInputError.of(name, f"{getattr(self, name)} is too small: at least {least}")

        size = self.geoformer.d_model
        if self.adapter == RESAMPLER and size % HEADS:
            reason = f"a resampler has {HEADS} heads, and the Geoformer's tokens the size {size}: take linear or mlp"
            raise InvalidInputError.of("adapter", reason)

    def places(self, months: int) -> int:
        """Embeddings that so many months become."""
        return self.tokens if self.adapter == RESAMPLER else months * self.tokens

    def to_json(self) -> dict[str, Any]:
        """JSON values, for a bundle."""
        return {
            "geoformer": self.geoformer.to_json(),
            "adapter": self.adapter,
            "tokens": self.tokens,
            "max_length": self.max_length,
            "blind": self.blind,
        }


_TYPES = {"geoformer": dict, "adapter": str, "tokens": int, "max_length": int, "blind": bool}


def parse_spec(body: Mapping[str, Any]) -> OceanChatSpec:
    """Read a bundle's spec; IntegrityError when a field is absent, unknown or wrong."""
    if set(body) != set(_TYPES) or any(type(body[name]) is not kind for name, kind in _TYPES.items()):
        raise IntegrityError(f"The bundle's spec is {sorted(body)}; this release reads {sorted(_TYPES)}")
    try:
        return OceanChatSpec(**{**body, "geoformer": parse_geoformer(body["geoformer"])})
    except InvalidInputError as error:
        raise IntegrityError(f"The bundle's spec is wrong: {error}") from error
