"""Conversations for fine-tuning: ShareGPT or messages, as JSON lines or one JSON array, into `chat/v1`."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from shared.contracts.chat import CHAT_FILE, MAX_ROW_BYTES, Conversation, Speaker, conversation_of
from shared.contracts.kinds import Kind
from shared.errors import InvalidInputError
from svc_ingest.domain.jobs import StoppedError
from svc_ingest.domain.made import Made
from svc_ingest.sources.base import NoParameters
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
        self.characters += sum(len(turn.text) for turn in conversation.turns)
        self.has_system = self.has_system or conversation.turns[0].speaker is Speaker.SYSTEM


class ChatSource:
    """See `DatasetSource`."""

    name = "chat"
    suffixes = (".jsonl", ".jsonl.gz", ".json", ".json.gz")
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
        target = folder / CHAT_FILE
        facts = _Facts()
        with target.open("wb") as file:
            for conversation in _conversations(path, facts, must_stop):
                file.write(conversation.to_line() + b"\n")
        meta = {
            "rows": facts.conversations,
            "conversations": facts.conversations,
            "turns": facts.turns,
            "longest_turns": facts.longest_turns,
            "characters": facts.characters,
            "has_system": facts.has_system,
        }
        return Made(kind=self.kind, files={CHAT_FILE: target}, meta=meta, rows=facts.conversations)


SOURCE = ChatSource()


def _conversations(path: Path, facts: _Facts, must_stop: Callable[[], bool]) -> Iterator[Conversation]:
    with closing(json_rows(path, max_row_bytes=MAX_ROW_BYTES)) as rows:
        for place, row in rows:
            if facts.conversations % ASK_EVERY == 0 and must_stop():
                raise StoppedError("stopped while the file was read")
            conversation = conversation_of(row, place)
            facts.add(conversation, place)
            yield conversation
