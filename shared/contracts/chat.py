"""The layout of `chat/v1`: conversations, one a line, and what makes a row of ShareGPT or messages one of them."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from shared.contracts.canonical import canonical_json
from shared.errors import InvalidInputError

CHAT_FILE = "chat.jsonl"
# Conversations with fields as one ShareGPT array, beside `features/`: how other tools get them and give them back.
SHAREGPT_FILE = "geoformer_sft.json"
JSONL = "application/jsonl"
MAX_TURN_BYTES = 2**20
MAX_ROW_BYTES = 4 * 2**20
MAX_TURNS = 1000
MAX_ID = 200
# In a turn of the person's: here stand the fields of one feature file, in the order of `features`.
GEOFORMER = "<geoformer>"
MAX_FEATURES = 100
FEATURE_PATH = re.compile(r"features/[A-Za-z0-9][A-Za-z0-9._-]{0,99}\.npz")
# What a conversation is for, where its maker says so: its id begins with one of these and a dash.
TRAIN, TEST = "train", "test"


class Speaker(StrEnum):
    """Who says a turn, as ShareGPT names them: what the model is told first, the person, the model."""

    SYSTEM = "system"
    HUMAN = "human"
    GPT = "gpt"


# Names that files use for the three.
SPEAKERS = {
    "system": Speaker.SYSTEM,
    "human": Speaker.HUMAN,
    "user": Speaker.HUMAN,
    "gpt": Speaker.GPT,
    "assistant": Speaker.GPT,
}
# Chat templates know the three by these names.
ROLES = {Speaker.SYSTEM: "system", Speaker.HUMAN: "user", Speaker.GPT: "assistant"}
# (key of the list, key of the speaker, key of the text): ShareGPT, and the messages of chat completions.
SHAREGPT = ("conversations", "from", "value")
MESSAGES = ("messages", "role", "content")
# Keys whose absence would change what the turns mean.
NOT_TEXT = ("audios", "functions", "images", "tools", "videos")


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """What one of them says; never empty."""

    speaker: Speaker
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversation:
    """At most one system turn, then person and model in turns, the model last. `id` may be empty.

    `features` are paths of files in the version: one for each `<geoformer>` in the person's turns, in their order.
    """

    turns: tuple[Turn, ...]
    id: str = ""
    features: tuple[str, ...] = ()

    @property
    def messages(self) -> list[dict[str, str]]:
        """As chat templates take it."""
        return [{"role": ROLES[turn.speaker], "content": turn.text} for turn in self.turns]

    @property
    def is_test(self) -> bool:
        """Whether its maker keeps it for the test."""
        return self.id.startswith(f"{TEST}-")

    def to_line(self) -> bytes:
        """The line of `chat.jsonl`, without its end: equal conversations have equal bytes."""
        turns = [{"from": str(turn.speaker), "value": turn.text} for turn in self.turns]
        optional = {"id": self.id, "features": list(self.features)}
        return canonical_json({"conversations": turns, **{name: value for name, value in optional.items() if value}})


def id_in(split: str, number: int) -> str:
    """The id of a conversation that is to learn from (`TRAIN`) or for the test (`TEST`)."""
    return f"{split}-{number:06d}"


def feature_path(number: int) -> str:
    """Where the feature of the conversation of that number lies in the version, by default."""
    return f"features/{number:06d}.npz"


def conversation_of(row: Any, place: str) -> Conversation:
    """The conversation in a row of a file: ShareGPT's `conversations`, or `messages`.

    Args:
        row: the row's JSON value.
        place: where it stands, for people: `line 3`, `item 2`.

    Raises:
        InvalidInputError: naming the place, the turn and what is allowed.
    """
    if not isinstance(row, Mapping):
        raise _wrong(place, f"is {_shown(row)}; a row is an object with 'conversations' or 'messages'")
    _check_text_only(row, place)
    turns = [*_system(row, place), *_turns(row, place)]
    _check_order(turns, place)
    return Conversation(turns=tuple(turns), id=_id(row, place), features=_features(row, turns, place))


def conversation_of_line(line: bytes, place: str) -> Conversation:
    """The conversation in a line of JSON; InvalidInputError as `conversation_of`, or when it is no JSON."""
    try:
        row = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise _wrong(place, f"is no JSON object on one line: {error}") from error
    return conversation_of(row, place)


def _check_text_only(row: Mapping[str, Any], place: str) -> None:
    found = [key for key in NOT_TEXT if row.get(key)]
    if found:
        raise _wrong(place, f"has {found[0]!r}; chat/v1 holds text alone")


def _system(row: Mapping[str, Any], place: str) -> list[Turn]:
    text = row.get("system", "")
    return [Turn(speaker=Speaker.SYSTEM, text=_text(text, place, "'system'"))] if text else []


def _turns(row: Mapping[str, Any], place: str) -> list[Turn]:
    known = [form for form in (SHAREGPT, MESSAGES) if form[0] in row]
    if len(known) != 1:
        had = "both" if known else f"neither, but {_shown(sorted(map(str, row)))}"
        raise _wrong(place, f"must have either 'conversations' or 'messages'; it has {had}")
    [(listed, speaker_key, text_key)] = known
    turns = row[listed]
    if not isinstance(turns, list) or not turns:
        raise _wrong(place, f"{listed!r} is {_shown(turns)}; it is a list of turns, at least one of them")
    if len(turns) > MAX_TURNS:
        raise _wrong(place, f"{listed!r} has {len(turns)} turns; at most {MAX_TURNS} are allowed")
    return [_turn(turn, place, f"turn {number}", speaker_key, text_key) for number, turn in enumerate(turns, start=1)]


def _turn(turn: Any, place: str, which: str, speaker_key: str, text_key: str) -> Turn:
    if not isinstance(turn, Mapping):
        raise _wrong(place, f"{which} is {_shown(turn)}; a turn is an object with {speaker_key!r} and {text_key!r}")
    said = turn.get(speaker_key)
    speaker = SPEAKERS.get(said) if isinstance(said, str) else None
    if speaker is None:
        raise _wrong(place, f"{which}: {speaker_key!r} is {_shown(said)}; it is one of: {', '.join(SPEAKERS)}")
    return Turn(speaker=speaker, text=_text(turn.get(text_key), place, f"{which}: {text_key!r}"))


def _text(value: Any, place: str, what: str) -> str:
    if not isinstance(value, str):
        raise _wrong(place, f"{what} is {_shown(value)}; it must be text")
    if not value.strip():
        raise _wrong(place, f"{what} is empty")
    if "\0" in value:
        raise _wrong(place, f"{what} has a NUL character at position {value.index(chr(0))}")
    try:
        size = len(value.encode())
    except UnicodeEncodeError as error:
        raise _wrong(place, f"{what} has half a surrogate pair at position {error.start}") from None
    if size > MAX_TURN_BYTES:
        raise _wrong(place, f"{what} has {size} bytes; at most {MAX_TURN_BYTES} (1 MiB) are allowed")
    return value


def _check_order(turns: list[Turn], place: str) -> None:
    after_system = turns[1:] if turns[0].speaker is Speaker.SYSTEM else turns
    first = len(turns) - len(after_system) + 1
    for number, turn in enumerate(after_system, start=first):
        wanted = Speaker.GPT if (number - first) % 2 else Speaker.HUMAN
        if turn.speaker is not wanted:
            reason = (
                f"turn {number} is of {str(turn.speaker)!r}, due is {str(wanted)!r}: after at most one system turn, "
                "person and model take turns, the person first"
            )
            raise _wrong(place, reason)
    if turns[-1].speaker is not Speaker.GPT:
        raise _wrong(place, f"the last turn is of {str(turns[-1].speaker)!r}; the model has the last word ('gpt')")


def _id(row: Mapping[str, Any], place: str) -> str:
    value = row.get("id", "")
    if isinstance(value, bool) or not isinstance(value, str | int) or len(str(value)) > MAX_ID:
        raise _wrong(place, f"'id' is {_shown(value)}; it is text or a whole number of at most {MAX_ID} characters")
    return _text(str(value), place, "'id'") if value != "" else ""


def _features(row: Mapping[str, Any], turns: list[Turn], place: str) -> tuple[str, ...]:
    value = row.get("features") or []
    if not isinstance(value, list) or len(value) > MAX_FEATURES:
        raise _wrong(place, f"'features' is {_shown(value)}; it is a list of at most {MAX_FEATURES} paths")
    for path in value:
        if not isinstance(path, str) or not FEATURE_PATH.fullmatch(path):
            raise _wrong(place, f"'features' has {_shown(path)}; a path is such as 'features/000001.npz'")
    if value:
        _check_marks(turns, len(value), place)
    return tuple(value)


def check_marks(conversation: Conversation, place: str) -> None:
    """InvalidInputError unless each `<geoformer>` of the person's has a feature, also where there are no features.

    In text alone the mark is a word like any other; beside fields it stands for one.
    """
    _check_marks(conversation.turns, len(conversation.features), place)


def _check_marks(turns: Sequence[Turn], features: int, place: str) -> None:
    marks = sum(turn.text.count(GEOFORMER) for turn in turns if turn.speaker is Speaker.HUMAN)
    if marks != features:
        reason = f"the person's turns have {marks} {GEOFORMER} and 'features' has {features}; each has one of the other"
        raise _wrong(place, reason)
    others = [str(turn.speaker) for turn in turns if turn.speaker is not Speaker.HUMAN and GEOFORMER in turn.text]
    if others:
        raise _wrong(place, f"{GEOFORMER} stands in a turn of {others[0]!r}; only the person shows fields")


def _shown(value: Any) -> str:
    text = "absent" if value is None else ascii(value)
    return text if len(text) <= 60 else f"{text[:60]}..."


def _wrong(place: str, reason: str) -> InvalidInputError:
    return InvalidInputError.of("file", f"{place}: {reason}")
