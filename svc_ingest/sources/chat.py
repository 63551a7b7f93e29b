"""Conversations for fine-tuning: ShareGPT or messages, as JSON lines or one JSON array, into `chat/v1`.

With fields in them they come as a `.zip`: see `chat_zip.py`.
"""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from shared.contracts.chat import CHAT_FILE, MAX_ROW_BYTES, SHAREGPT_FILE, Conversation, Speaker, conversation_of
from shared.contracts.kinds import Kind
from shared.errors import InvalidInputError
from svc_ingest.domain.jobs import StoppedError
from svc_ingest.domain.made import Made
from svc_ingest.sources.base import NoParameters
from svc_ingest.sources.chat_zip import ChatZip
from svc_ingest.sources.json_rows import json_rows

# Asking whether to stop costs a lock in some callers.
ASK_EVERY = 100


@dataclass(slots=True)
class _Facts:
    """What is counted on the way."""

    conversations: int = 0
    turns: int = 0
    characters: int = 0
    has_system: bool = False
    longest_turns: int = 0
    features: int = 0
    ids: set[bytes] = field(default_factory=set)

    def add(self, conversation: Conversation, place: str) -> None:
        if conversation.id:
            key = hashlib.sha256(conversation.id.encode()).digest()[:16]
            if key in self.ids:
                reason = f"{place}: the id {conversation.id!r} was used before; give each conversation its own, or none"
                raise InvalidInputError.of("file", reason)
            self.ids.add(key)
        self.conversations += 1
        self.turns += len(conversation.turns)
        self.longest_turns = max(self.longest_turns, len(conversation.turns))
        self.features += len(conversation.features)
        self.characters += sum(len(turn.text) for turn in conversation.turns)
        self.has_system = self.has_system or conversation.turns[0].speaker is Speaker.SYSTEM


class ChatSource:
    """See `DatasetSource`."""

    name = "chat"
    summary = "Conversations in the ShareGPT or the messages form; with fields, as a zip."
    suffixes = (".jsonl", ".jsonl.gz", ".json", ".json.gz", ".chat.zip")
    kind = Kind.CHAT
    parameters = NoParameters

    def make(
        self,
        path: Path,
        parameters: NoParameters,  # noqa: ARG002 - there are none
        folder: Path,
        must_stop: Callable[[], bool],
    ) -> Made:
        """See `DatasetSource.make`."""
        if not zipfile.is_zipfile(path):
            return self._made(path, None, folder, must_stop)
        with ChatZip.open(path, folder) as packed, packed.conversations_file() as conversations:
            made = self._made(conversations, packed, folder, must_stop)
            packed.check_all_taken()
        return made

    def _made(self, path: Path, packed: ChatZip | None, folder: Path, must_stop: Callable[[], bool]) -> Made:
        target = folder / CHAT_FILE
        facts = _Facts()
        with target.open("wb") as file:
            for place, conversation in _conversations(path, facts, must_stop):
                _take_features(conversation, packed, place)
                file.write(conversation.to_line() + b"\n")
        files = {CHAT_FILE: target, **(packed.files if packed else {})}
        return Made(kind=self.kind, files=files, meta=_meta(facts, packed), rows=facts.conversations)


SOURCE = ChatSource()


def _meta(facts: _Facts, packed: ChatZip | None) -> dict[str, Any]:
    with_fields = {"features": facts.features, "channels": list(packed.channels)} if packed and facts.features else {}
    return {
        "rows": facts.conversations,
        "conversations": facts.conversations,
        "turns": facts.turns,
        "longest_turns": facts.longest_turns,
        "characters": facts.characters,
        "has_system": facts.has_system,
        **with_fields,
    }


def _take_features(conversation: Conversation, packed: ChatZip | None, place: str) -> None:
    if packed is not None:
        packed.take(conversation, place)
    elif conversation.features:
        reason = f"{place}: names {conversation.features[0]}; send a .zip of {SHAREGPT_FILE} and features/*.npz"
        raise InvalidInputError.of("file", reason)


def _conversations(path: Path, facts: _Facts, must_stop: Callable[[], bool]) -> Iterator[tuple[str, Conversation]]:
    with closing(json_rows(path, max_row_bytes=MAX_ROW_BYTES)) as rows:
        for place, row in rows:
            if facts.conversations % ASK_EVERY == 0 and must_stop():
                raise StoppedError("stopped while the file was read")
            conversation = conversation_of(row, place)
            facts.add(conversation, place)
            yield place, conversation
