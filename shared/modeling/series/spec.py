"""What a SeriesLM is, apart from its weights: everything that must be equal where it is trained and served."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from shared.errors import IntegrityError, InvalidInputError

# Where the patches of a window stand in its prompt.
PLACE = "<ts>"
PROMPT = f"mean {{mean:.2e}} scale {{scale:.2e}} values: {PLACE}"


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesSpec:
    """The shape of a SeriesLM and the rules of its answers.

    Args:
        window: points the model sees at once.
        patch: points that become one embedding; divides `window`.
        labels: what a segment can be called, in the order of the label head's outputs.
        threshold: score from which a row belongs to a segment, in (0, 1).
        stride: rows between the starts of overlapping windows, from 1 to `window`.
        merge_gap: segments with at most so many rows between them are one.
        prompt: text in front of the patches, which stand at `<ts>`, its end; knows {mean} and {scale}.

    Raises:
        InvalidInputError: the numbers do not fit together.
    """

    window: int = 512
    patch: int = 8
    labels: tuple[str, ...] = ("anomaly",)
    threshold: float = 0.5
    stride: int = 256
    merge_gap: int = 8
    prompt: str = PROMPT

    def __post_init__(self) -> None:
        if self.patch < 1 or self.window < self.patch or self.window % self.patch:
            raise InvalidInputError.of("window", f"{self.window} is not a multiple of the patch {self.patch}")
        if not 1 <= self.stride <= self.window:
            raise InvalidInputError.of("stride", f"{self.stride} is not from 1 to the window {self.window}")
        if not 0 < self.threshold < 1:
            raise InvalidInputError.of("threshold", f"{self.threshold} is not between 0 and 1")
        if not self.labels or len(set(self.labels)) != len(self.labels):
            raise InvalidInputError.of("labels", f"need at least one and each once, not {list(self.labels)}")
        if not self.prompt.endswith(PLACE):
            raise InvalidInputError.of("prompt", f"must end with {PLACE}, where the values stand: {self.prompt!r}")

    @property
    def patches(self) -> int:
        """Patches in a window."""
        return self.window // self.patch

    def to_json(self) -> dict[str, Any]:
        """JSON values, for a bundle."""
        return asdict(self) | {"labels": list(self.labels)}


def parse_spec(body: Mapping[str, Any]) -> SeriesSpec:
    """Read a bundle's spec; IntegrityError when a field is absent, unknown or wrong."""
    names = {field.name for field in fields(SeriesSpec)}
    if set(body) != names:
        raise IntegrityError(f"The bundle's spec has the fields {sorted(body)}; this release reads {sorted(names)}")
    try:
        return SeriesSpec(**{**body, "labels": tuple(body["labels"])})
    except (InvalidInputError, TypeError, AttributeError) as error:
        raise IntegrityError(f"The bundle's spec is wrong: {error}") from error
