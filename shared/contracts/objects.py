"""Objects as the object store describes them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredObject:
    """One object; `modified_at` is when it was put last, by the store's own clock."""

    key: str
    size_bytes: int
    modified_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedUrl:
    """An address for one HTTP method, good until `expires_at`; `headers` have to be sent with it."""

    url: str
    headers: dict[str, str]
    expires_at: datetime
