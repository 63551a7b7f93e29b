"""Canonical JSON and digests: equal content has equal bytes, hence one name."""

from __future__ import annotations

import hashlib
import json
import re
from typing import Any

from shared.errors import InvalidInputError

DIGEST = re.compile(r"[0-9a-f]{64}")


def canonical_json(value: Any) -> bytes:
    """UTF-8 JSON with sorted keys and no spaces; NaN and infinity are refused with ValueError."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return text.encode()


def sha256_hex(data: bytes) -> str:
    """The digest by which the bytes are stored and named."""
    return hashlib.sha256(data).hexdigest()


def digest_of(value: Any) -> str:
    """The digest of a JSON value's canonical form."""
    return sha256_hex(canonical_json(value))


def check_digest(field: str, digest: str) -> str:
    """The digest itself, or InvalidInputError naming the field."""
    if not DIGEST.fullmatch(digest):
        raise InvalidInputError.of(field, f"{digest!r} is not a sha256 digest (64 lowercase hexadecimal digits)")
    return digest
