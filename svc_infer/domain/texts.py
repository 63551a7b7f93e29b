"""Conversations that are asked about, and what is answered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from shared.errors import InvalidInputError

MAX_MESSAGES = 1000
MAX_TEXT_BYTES = 2**20
DEFAULT_NEW_TOKENS = 256
MAX_NEW_TOKENS = 1024
MAX_ATTACHMENTS = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class TextQuestion:
    """`messages` have a `role` (system, user, assistant) and a `content`; the last one is the user's.

    `features` are the attachments in the order of their marks in the user's turns.
    """

    messages: tuple[Mapping[str, str], ...]
    max_new_tokens: int
    features: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TextReply:
    """What the model says; `finish` is `stop` when it ended by itself, `length` when no more tokens were allowed."""

    text: str
    tokens: int
    prompt_tokens: int
    finish: str


def question_of(
    messages: tuple[Mapping[str, str], ...], max_new_tokens: int, attachments: Sequence[tuple[str, bytes]] = ()
) -> TextQuestion:
    """A question as a caller sent it.

    Args:
        messages: the turns.
        max_new_tokens: of the answer; 0 means 256.
        attachments: a mark, and what stands at its next place in the user's turns.

    Raises:
        InvalidInputError: names the field that is wrong.
    """
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
    said = "\n".join(message["content"] for message in messages if message["role"] == "user")
    _check_attachments(said, attachments)
    return TextQuestion(
        messages=messages,
        max_new_tokens=max_new_tokens or DEFAULT_NEW_TOKENS,
        features=tuple(npz for _, npz in attachments),
    )


def _check_attachments(said: str, attachments: Sequence[tuple[str, bytes]]) -> None:
    if len(attachments) > MAX_ATTACHMENTS:
        raise InvalidInputError.of("attachments", f"{len(attachments)} were sent; send at most {MAX_ATTACHMENTS}")
    marks = [mark for mark, _ in attachments]
    end = 0
    for number, (mark, npz) in enumerate(attachments):
        field = f"attachments[{number}]"
        if not (mark.startswith("<") and mark.endswith(">")):
            raise InvalidInputError.of(f"{field}.mark", f"{mark!r} is no mark: write it as <geoformer>")
        if not npz:
            raise InvalidInputError.of(f"{field}.npz", "is empty: send the bytes of a .npz file")
        if said.count(mark) != marks.count(mark):
            found, given = said.count(mark), marks.count(mark)
            reason = (
                f"the user's turns have {found} of {mark}, the attachments {given}: each stands for one of the other"
            )
            raise InvalidInputError.of(f"{field}.mark", reason)
        end = said.find(mark, end) + len(mark)
        if end < len(mark):
            raise InvalidInputError.of(f"{field}.mark", f"{mark} comes before the mark of the attachment before it")
