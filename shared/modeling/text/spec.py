"""What a bundle of the text family says of itself beside its weights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from shared.errors import IntegrityError, InvalidInputError


@dataclass(frozen=True, slots=True, kw_only=True)
class TextSpec:
    """`max_length`: tokens of the longest sequence it was trained on; what it reads and says together is no longer."""

    max_length: int = 1024

    def __post_init__(self) -> None:
        if self.max_length < 2:
            raise InvalidInputError.of("max_length", f"{self.max_length} is too small: at least 2")

    def to_json(self) -> dict[str, Any]:
        """JSON values, for a bundle."""
        return asdict(self)


def parse_spec(body: Mapping[str, Any]) -> TextSpec:
    """Read a bundle's spec; IntegrityError when a field is absent, unknown or wrong."""
    if set(body) != {"max_length"} or type(body["max_length"]) is not int:
        raise IntegrityError(f"The bundle's spec is {dict(body)}; this release reads a whole number max_length")
    try:
        return TextSpec(**body)
    except InvalidInputError as error:
        raise IntegrityError(f"The bundle's spec is wrong: {error}") from error
