"""What goes into and comes out of a text predictor. Imports no torch, so callers may build these anywhere."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from shared.errors import InvalidInputError

ROLES = ("system", "user", "assistant")


class Finish(StrEnum):
    """Why an answer ended: the model said so, no more tokens were allowed, or nobody waited for it any more."""

    STOP = "stop"
    LENGTH = "length"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True, kw_only=True)
class TextInput:
    """A conversation to answer.

    Args:
        id: the caller's name for it; comes back in the answer.
        messages: `role` (system, user or assistant) and `content`, the last one of the user.
        max_new_tokens: the longest answer.
        features: what stands at the feature marks of the user's turns, e.g. `<geoformer>`, in the order of the marks:
            the bytes of `.npz` files. A family without such marks refuses them.

    Raises:
        InvalidInputError: nothing to answer, an unknown role, or no tokens allowed.
    """

    id: str
    messages: tuple[Mapping[str, str], ...]
    max_new_tokens: int = 256
    features: tuple[bytes, ...] = ()

    def __post_init__(self) -> None:
        if not self.messages or self.messages[-1].get("role") != "user":
            raise InvalidInputError.of("messages", "the last message must be the user's: there is nothing to answer")
        for number, message in enumerate(self.messages):
            if message.get("role") not in ROLES:
                reason = f"{message.get('role')!r} is not one of: {', '.join(ROLES)}"
                raise InvalidInputError.of(f"messages[{number}].role", reason)
        if self.max_new_tokens < 1:
            raise InvalidInputError.of("max_new_tokens", f"{self.max_new_tokens} is too small: at least 1")


@dataclass(frozen=True, slots=True, kw_only=True)
class TextAnswer:
    """What the model says.

    Args:
        id: the id of the input.
        text: the answer, without the tokens that frame it.
        tokens: tokens of the answer, its end included.
        prompt_tokens: tokens the model read before it.
        finish: why it ended.
    """

    id: str
    text: str
    tokens: int
    prompt_tokens: int
    finish: Finish
