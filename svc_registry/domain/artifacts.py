"""Versions by the bytes they consist of."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

# A blob that no manifest lists is garbage when it is older than that.
GARBAGE_AFTER = timedelta(hours=24)
# What an upload may count on has to be this young when its manifest is written: hours before it could be garbage.
FINISHED_WITHIN = timedelta(hours=18)


class Sort(StrEnum):
    """What a version is a version of."""

    DATASET = "dataset"
    MODEL = "model"
    BASE = "base"


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """A version as somebody names it: `name@3`, `name:champion`, a base's name, ..."""

    sort: Sort
    reference: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Located:
    """A version: what people call it, and the digest of its manifest."""

    reference: str
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Blob:
    """A file in the object store."""

    digest: str
    size_bytes: int
    modified_at: datetime


class FileState(StrEnum):
    """What was found of a file; `READING` says that a large one is not done yet."""

    READING = "reading"
    WHOLE = "whole"
    DAMAGED = "damaged"
    MISSING = "missing"


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A file that was hashed again; `path` is empty for a manifest. The sums run over all versions so far."""

    reference: str
    path: str
    digest: str
    state: FileState
    files_done: int
    bytes_done: int
    versions_done: int
    versions_total: int
