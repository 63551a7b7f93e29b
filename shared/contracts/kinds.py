"""Dataset kinds: a dataset's schema with its version."""

from __future__ import annotations

from enum import StrEnum


class Kind(StrEnum):
    """The schema of a dataset's files; the number after the slash grows when the schema changes."""

    SERIES = "series/v1"
    SEGMENTS = "segments/v1"
    CHAT = "chat/v1"
    FIELD = "field/v1"
    PROFILE = "profile/v1"
    PLANS = "plans/v1"
    BASE = "base/v1"
    BUNDLE = "bundle/v1"
    CHECKPOINT = "checkpoint/v1"
    PREDICTION = "prediction/v1"
    HISTORY = "history/v1"
