"""Does the object store refuse bytes that have not the digest their address was signed for? It is tried, once.

Everything hangs on that: a client puts blobs in place itself, under keys that say what their bytes are.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import urllib3

from shared.contracts.canonical import sha256_hex
from shared.errors import StateError, UnavailableError
from shared.runtime.presign import Signer

PROBE_KEY = "probes/checksum"
PROMISED, SENT = b"promised", b"sent"
TIMEOUT = urllib3.Timeout(connect=5, read=10)


def checksum_probe(signer: Signer) -> Callable[[], None]:
    """The check: StateError while the object store takes wrong bytes, UnavailableError while it does not answer."""
    holds = False

    def check() -> None:
        nonlocal holds
        if not holds:
            _try(signer)
            holds = True

    return check


def _try(signer: Signer) -> None:
    signed = signer.upload(PROBE_KEY, sha256_hex(PROMISED), now=datetime.now(UTC), lasts=timedelta(minutes=1))
    try:
        answer = urllib3.request(
            "PUT", signed.url, body=SENT, headers=signed.headers, timeout=TIMEOUT, retries=False, redirect=False
        )
    except urllib3.exceptions.HTTPError as error:
        raise UnavailableError(f"The object store does not answer: {type(error).__name__}") from error
    if answer.status < 300:
        raise StateError(
            "The object store takes bytes that have not the digest they were announced with (it does not check "
            "x-amz-checksum-sha256), so files cannot be uploaded to it by address: use MinIO, SeaweedFS or another "
            "store that checks"
        )
    if answer.status != 400:
        raise UnavailableError(f"The object store answers {answer.status} to an upload by address")
