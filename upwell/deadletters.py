"""Dead letters: read them from their stream, and publish them again where they came from."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

from nats.errors import Error as NatsError
from nats.js import JetStreamContext
from nats.js.api import RawStreamMsg
from nats.js.errors import NotFoundError

from upwell.errors import BusError, ToolError
from upwell.events import BY_SUBJECT, DEAD_STREAM, DeadHeader

MESSAGE_ID = "Nats-Msg-Id"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetter:
    """A message that could not be handled.

    Attributes:
        number: its place among the dead letters.
        time: when it was buried, ISO 8601; empty where the server did not say.
        subject: where it was published at first; likewise `stream` and `sequence`.
        consumer: the durable consumer whose handler failed.
        reason: one sentence.
        truncated: whether only the beginning of the body was kept.
        headers: all of them.
        body: the bytes kept.
    """

    number: int
    time: str
    subject: str
    stream: str
    sequence: str
    consumer: str
    reason: str
    truncated: bool
    headers: Mapping[str, str]
    body: bytes

    def text(self) -> str:
        """The body for people: JSON with indents where it is JSON; bytes that are no text are escaped."""
        text = self.body.decode("utf-8", errors="backslashreplace")
        try:
            return json.dumps(json.loads(text), indent=2, ensure_ascii=False)
        except ValueError:
            return text


async def newest_letters(js: JetStreamContext, *, limit: int) -> list[DeadLetter]:
    """The newest letters, newest first."""
    state = (await js.stream_info(DEAD_STREAM)).state
    letters: list[DeadLetter] = []
    number = state.last_seq
    while number >= max(state.first_seq, 1) and len(letters) < limit:
        with suppress(ToolError):  # replayed or deleted meanwhile
            letters.append(await read_letter(js, number))
        number -= 1
    return letters


async def read_letter(js: JetStreamContext, number: int) -> DeadLetter:
    """One letter.

    Raises:
        ToolError: there is none with this number.
    """
    try:
        message = await js.get_msg(DEAD_STREAM, number)
    except NotFoundError as error:
        raise ToolError(f"There is no dead letter {number}: see `upwell dead list`.") from error
    return _letter(number, message)


async def replay_letter(js: JetStreamContext, letter: DeadLetter, *, keep: bool = False) -> int:
    """Publish a letter on its first subject, with its own event id and a new message id; the new place in the stream.

    Args:
        js: as the operator.
        letter: the letter.
        keep: leave it among the dead letters.

    Raises:
        ToolError: its body was cut, or its subject is not in the table.
        BusError: the bus did not take it.
    """
    if letter.truncated:
        raise ToolError(
            f"Dead letter {letter.number} cannot be replayed: only the beginning of its body was kept. "
            "Publish the request again from where it came."
        )
    if letter.subject not in BY_SUBJECT:
        raise ToolError(f"Dead letter {letter.number} came from {letter.subject!r}, which no stream takes.")
    headers = {
        key: value
        for key, value in letter.headers.items()
        if key not in set(DeadHeader) and not key.startswith("Nats-")
    }
    # With its first message id the stream would take it for a repetition and drop it.
    headers[MESSAGE_ID] = str(uuid.uuid4())
    try:
        stored = await js.publish(letter.subject, letter.body, headers=headers)
        if not keep:
            await js.delete_msg(DEAD_STREAM, letter.number)
    except (NatsError, OSError) as error:
        raise BusError(f"Dead letter {letter.number} could not be replayed: {error}") from error
    return stored.seq


def _letter(number: int, message: RawStreamMsg) -> DeadLetter:
    headers = dict(message.headers or {})
    return DeadLetter(
        number=number,
        time=message.time.isoformat(timespec="seconds") if message.time else "",
        subject=headers.get(DeadHeader.SUBJECT, ""),
        stream=headers.get(DeadHeader.STREAM, ""),
        sequence=headers.get(DeadHeader.SEQUENCE, ""),
        consumer=headers.get(DeadHeader.CONSUMER, ""),
        reason=headers.get(DeadHeader.REASON, ""),
        truncated=headers.get(DeadHeader.TRUNCATED) == "true",
        headers=headers,
        body=message.data or b"",
    )
