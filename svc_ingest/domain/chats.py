"""Conversations of a stored chat dataset, for people."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from shared.contracts.chat import Conversation


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatPreview:
    """Some conversations in the dataset's order, and how many there are in all."""

    conversations: Sequence[Conversation]
    rows: int
