"""Conversations that are asked about, and what is answered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from shared.errors import InvalidInputError

MAX_MESSAGES = 1000
MAX_TEXT_BYTES = 2**20
DEFAULT_NEW_TOKENS = 256
MAX_NEW_TOKENS = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class TextQuestion:
    """`messages` have a `role` (system, user, assistant) and a `content`; the last one is the user's."""

    messages: tuple[Mapping[str, str], ...]
    max_new_tokens: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TextReply:
    """What the model says; `finish` is `stop` when it ended by itself, `length` when no more tokens were allowed."""

    text: str
    tokens: int
    prompt_tokens: int
    finish: str


def question_of(messages: tuple[Mapping[str, str], ...], max_new_tokens: int) -> TextQuestion:
    """A question as a caller sent it, where 0 tokens mean 256; InvalidInputError names the field that is wrong."""
    if not 1 <= len(messages) <= MAX_MESSAGES:
        raise InvalidInputError.of("messages", f"{len(messages)} were sent; send 1 to {MAX_MESSAGES}")
    size = sum(len(message["content"].encode()) for message in messages)
    if size > MAX_TEXT_BYTES:
        raise InvalidInputError.of("messages", f"they have {size} bytes; send at most {MAX_TEXT_BYTES} (1 MiB)")
    for number, message in enumerate(messages):
        if not message["content"].strip():
            raise InvalidInputError.of(f"messages[{number}].content", "is empty")
    if max_new_tokens > MAX_NEW_TOKENS:
        raise InvalidInputError.of("max_new_tokens", f"{max_new_tokens} is too large: at most {MAX_NEW_TOKENS}")
    return TextQuestion(messages=messages, max_new_tokens=max_new_tokens or DEFAULT_NEW_TOKENS)
