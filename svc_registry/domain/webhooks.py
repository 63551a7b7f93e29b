"""Webhooks after the Standard Webhooks specification: whom to tell, how to sign, when to try again."""

from __future__ import annotations

import base64
import binascii
import hmac
from dataclasses import dataclass
from hashlib import sha256
from urllib.parse import urlsplit

# The schedule that the specification recommends: ten attempts over three days.
DELAYS_S = (5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400)
SECRET_PREFIX = "whsec_"  # noqa: S105 - it is what every secret begins with
SECRET_BYTES = range(24, 65)
MAX_WEBHOOKS = 16
MAX_URL_CHARACTERS = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """An event for a webhook; `attempts` counts the one that is being made."""

    id: int
    url: str
    event_id: str
    body: bytes
    attempts: int


def delay_after(attempts: int) -> float | None:
    """Seconds until the next attempt, after so many that failed; None when they are spent."""
    return DELAYS_S[attempts - 1] if attempts <= len(DELAYS_S) else None


def headers_of(delivery: Delivery, *, secret: bytes, now_s: float) -> dict[str, str]:
    """The headers by which a receiver tells who speaks, and whether it has heard this before.

    The id is the event's, the same in every attempt; the time and the signature are the attempt's.
    """
    timestamp = str(int(now_s))
    signed = b".".join((delivery.event_id.encode(), timestamp.encode(), delivery.body))
    signature = base64.b64encode(hmac.new(secret, signed, sha256).digest()).decode()
    return {
        "content-type": "application/cloudevents+json; charset=utf-8",
        "webhook-id": delivery.event_id,
        "webhook-timestamp": timestamp,
        "webhook-signature": f"v1,{signature}",
    }


def place_of(url: str) -> str:
    """Scheme and host of an address: what may be logged of it, for the rest may hold a secret."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.hostname}"


def webhook_urls(setting: str) -> tuple[str, ...]:
    """The addresses of UPWELL_WEBHOOKS; ValueError says which entry is none, by its place only."""
    urls = tuple(entry.strip() for entry in setting.split(",") if entry.strip())
    if len(urls) > MAX_WEBHOOKS:
        raise ValueError(f"UPWELL_WEBHOOKS has {len(urls)} addresses; {MAX_WEBHOOKS} are allowed")
    for place, url in enumerate(urls, start=1):
        if not _is_address(url):
            raise ValueError(
                f"UPWELL_WEBHOOKS: entry {place} is not an http:// or https:// address of at most {MAX_URL_CHARACTERS} "
                "characters, without user and password"
            )
    return tuple(dict.fromkeys(urls))


def webhook_secret(setting: str) -> bytes:
    """The bytes of UPWELL_WEBHOOK_SECRET; ValueError when it is malformed."""
    try:
        secret = base64.b64decode(setting.removeprefix(SECRET_PREFIX), validate=True)
    except (ValueError, binascii.Error):
        secret = b""
    if not setting.startswith(SECRET_PREFIX) or len(secret) not in SECRET_BYTES:
        raise ValueError("UPWELL_WEBHOOK_SECRET is not 'whsec_' with 24 to 64 bytes in base64 behind it")
    return secret


def _is_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        port_is_fine = parts.port is None or parts.port > 0
    except ValueError:
        return False
    plain = not (parts.username or parts.password or parts.fragment) and url.isprintable() and " " not in url
    return (
        parts.scheme in {"http", "https"}
        and bool(parts.hostname)
        and port_is_fine
        and plain
        and len(url) <= MAX_URL_CHARACTERS
    )
