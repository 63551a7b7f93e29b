"""What a bundle of the planner-encoder family says of itself beside its weights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal

import numpy as np

from shared.errors import IntegrityError, InvalidInputError
from shared.modeling.opening import check_opening
from shared.planning.profile import NUMBERS, Floats, Profile

NUMBERED = "mean", "scale"


@dataclass(frozen=True, slots=True, kw_only=True)
class EncoderSpec:
    """How numbers are read: the logarithm of 1 + number, less `mean`, by `scale`, in the order of `NUMBERS`.

    `opening` says that a token stands in front of the embedding; there is nothing else any more, see
    `shared/modeling/opening.py`.

    Raises:
        InvalidInputError: the numbers do not fit together.
    """

    mean: tuple[float, ...]
    scale: tuple[float, ...]
    opening: Literal[True] = True

    def __post_init__(self) -> None:
        for name in NUMBERED:
            values = getattr(self, name)
            if len(values) != len(NUMBERS) or not np.isfinite(values).all():
                reason = f"is {list(values)}; needed is a number for each of {', '.join(NUMBERS)}"
                raise InvalidInputError.of(name, reason)
        if min(self.scale) <= 0:
            raise InvalidInputError.of("scale", f"is {list(self.scale)}; each is above 0")

    def to_json(self) -> dict[str, Any]:
        """JSON values, for a bundle."""
        return asdict(self) | {name: list(getattr(self, name)) for name in NUMBERED}


def spec_for(profile: Profile) -> EncoderSpec:
    """Reads the profile's numbers as of mean 0 and spread 1; a number that never changes has the spread it has."""
    logs: Floats = np.log1p(profile.numbers)
    spread = logs.std(axis=0)
    return EncoderSpec(
        mean=tuple(logs.mean(axis=0).tolist()), scale=tuple(np.where(spread > 1e-6, spread, 1.0).tolist())
    )


def parse_spec(body: Mapping[str, Any]) -> EncoderSpec:
    """Read a bundle's spec; IntegrityError when a field is absent, unknown or wrong, or the release an earlier one."""
    check_opening(body)
    names = {field.name for field in fields(EncoderSpec)}
    if set(body) != names:
        raise IntegrityError(f"The bundle's spec has the fields {sorted(body)}; this release reads {sorted(names)}")
    try:
        return EncoderSpec(**{**body, **{name: tuple(float(value) for value in body[name]) for name in NUMBERED}})
    except (InvalidInputError, TypeError, ValueError) as error:
        raise IntegrityError(f"The bundle's spec is wrong: {error}") from error
