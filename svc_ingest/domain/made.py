"""What a source made of a file: the files of a dataset version and the facts about them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """A dataset version before it is stored.

    Args:
        kind: its schema, see `Kind`.
        files: path in the version -> file on the disk.
        meta: the manifest's `meta`: facts about the content alone, so that equal content has one digest.
        rows: what it holds, counted: rows of a series, conversations of a chat.
        channels: names of a series' channels; empty for what has none.
    """

    kind: str
    files: Mapping[str, Path]
    meta: Mapping[str, Any] = field(default_factory=dict)
    rows: int
    channels: tuple[str, ...] = ()
