"""Signed addresses, held against another implementation of the signature."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from minio.credentials import Credentials
from minio.signer import presign_v4

from shared.contracts.canonical import sha256_hex
from shared.runtime.presign import Signer

NOW = datetime(2026, 11, 27, 8, 9, 10, tzinfo=UTC)
HOUR = timedelta(hours=1)
SIGNER = Signer(
    endpoint="https://files.example:9000", bucket="upwell", region="eu-1", access_key="a/key", secret_key="hidden"
)


@pytest.mark.parametrize("key", ["blobs/sha256/ab/abc", "a key/泵 (1)~.json"])
def test_a_download_is_signed_as_minio_signs_it(key: str) -> None:
    ours = SIGNER.download(key, now=NOW, lasts=HOUR)
    url = urlsplit(ours.url)
    theirs = presign_v4(
        method="GET",
        url=url._replace(query=""),
        region="eu-1",
        credentials=Credentials("a/key", "hidden"),
        date=NOW,
        expires=3600,
    )
    assert parse_qs(url.query) == parse_qs(theirs.query)
    assert (ours.headers, ours.expires_at) == ({}, NOW + HOUR)


def test_an_upload_promises_its_digest() -> None:
    signed = SIGNER.upload("blobs/x", sha256_hex(b""), now=NOW, lasts=HOUR)
    assert signed.headers == {"x-amz-checksum-sha256": "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="}
    assert parse_qs(urlsplit(signed.url).query)["X-Amz-SignedHeaders"] == ["host;x-amz-checksum-sha256"]
    other = SIGNER.upload("blobs/x", sha256_hex(b"other"), now=NOW, lasts=HOUR)
    assert other.url != signed.url


def test_no_address_holds_the_secret() -> None:
    assert "hidden" not in SIGNER.download("k", now=NOW, lasts=HOUR).url
