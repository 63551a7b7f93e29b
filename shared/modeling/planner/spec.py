"""What a bundle of the planner family says of itself beside its weights."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal

from shared.errors import IntegrityError, InvalidInputError
from shared.modeling.opening import check_opening
from shared.planning.values import RESOURCES

FLAT, FACTORISED = "flat", "factorised"
PROMPT = "{task}\nPlan:"


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannerSpec:
    """The network's shape and what it reads.

    Args:
        window: times in a state.
        capacity: all that the system has of each of `RESOURCES`; a state is read as shares of it.
        prefix: embeddings that the state becomes.
        channels: of the temporal encoder.
        bands: wavelengths that a share is shown in beside the number itself.
        config_head: `flat` or `factorised`, see `network.ConfigHead`.
        max_tokens: tokens of the longest prompt.
        prompt: what the language model reads; knows {task}.
        opening: a token stands in front of the prefix; there is nothing else any more, see `modeling/opening.py`.

    Raises:
        InvalidInputError: the numbers do not fit together.
    """

    window: int
    capacity: tuple[float, ...]
    prefix: int = 4
    channels: int = 256
    bands: int = 6
    config_head: str = FACTORISED
    max_tokens: int = 128
    prompt: str = PROMPT
    opening: Literal[True] = True

    def __post_init__(self) -> None:
        for name in ("window", "prefix", "channels", "max_tokens"):
            if getattr(self, name) < 1:
                raise InvalidInputError.of(name, f"{getattr(self, name)} is too small: at least 1")
        if len(self.capacity) != len(RESOURCES) or not all(0 <= amount < math.inf for amount in self.capacity):
            wanted = f"needed is an amount from 0 up of each of {', '.join(RESOURCES)}"
            raise InvalidInputError.of("capacity", f"is {list(self.capacity)}; {wanted}")
        if self.config_head not in (FLAT, FACTORISED):
            raise InvalidInputError.of("config_head", f"{self.config_head!r} is neither {FLAT!r} nor {FACTORISED!r}")
        if "{task}" not in self.prompt:
            raise InvalidInputError.of("prompt", f"has no {{task}}: {self.prompt!r}")

    def to_json(self) -> dict[str, Any]:
        """JSON values, for a bundle."""
        return asdict(self) | {"capacity": list(self.capacity)}


def parse_spec(body: Mapping[str, Any]) -> PlannerSpec:
    """Read a bundle's spec; IntegrityError when a field is absent, unknown or wrong, or the release an earlier one."""
    check_opening(body)
    names = {field.name for field in fields(PlannerSpec)}
    if set(body) != names:
        raise IntegrityError(f"The bundle's spec has the fields {sorted(body)}; this release reads {sorted(names)}")
    try:
        return PlannerSpec(**{**body, "capacity": tuple(float(amount) for amount in body["capacity"])})
    except (InvalidInputError, TypeError, ValueError) as error:
        raise IntegrityError(f"The bundle's spec is wrong: {error}") from error
