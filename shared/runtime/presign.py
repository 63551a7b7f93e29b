"""Addresses by which others may read or write one object for a while, without a secret (AWS signature version 4).

minio-py signs addresses too, but none with headers. The header that this is for is `x-amz-checksum-sha256`: signed
with the address, it lets the object store itself refuse any other bytes.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import quote, urlsplit

from shared.contracts.objects import SignedUrl

ALGORITHM = "AWS4-HMAC-SHA256"
CHECKSUM_HEADER = "x-amz-checksum-sha256"
# Servers refuse addresses that are good for longer than a week.
LONGEST = timedelta(days=7)


@dataclass(frozen=True, slots=True, kw_only=True)
class Signer:
    """Signs addresses of the objects of a bucket.

    Args:
        endpoint: the object store as those who get the addresses reach it, `http://host:port`.
        bucket: the bucket.
        region: of the bucket.
        access_key: whose rights the addresses lend.
        secret_key: never part of an address.
    """

    endpoint: str
    bucket: str
    region: str
    access_key: str
    secret_key: str

    def download(self, key: str, *, now: datetime, lasts: timedelta) -> SignedUrl:
        """For a GET, with any Range."""
        return self._sign("GET", key, {}, now, lasts)

    def upload(self, key: str, sha256: str, *, now: datetime, lasts: timedelta) -> SignedUrl:
        """For one PUT of the bytes that have this digest (hexadecimal)."""
        checksum = base64.b64encode(bytes.fromhex(sha256)).decode()
        return self._sign("PUT", key, {CHECKSUM_HEADER: checksum}, now, lasts)

    def _sign(self, method: str, key: str, headers: Mapping[str, str], now: datetime, lasts: timedelta) -> SignedUrl:
        assert lasts <= LONGEST, "no server takes it"
        parts = urlsplit(self.endpoint)
        date = now.strftime("%Y%m%dT%H%M%SZ")
        scope = f"{date[:8]}/{self.region}/s3/aws4_request"
        signed = {"host": parts.netloc, **headers}
        names = ";".join(sorted(signed))
        query = {
            "X-Amz-Algorithm": ALGORITHM,
            "X-Amz-Credential": f"{self.access_key}/{scope}",
            "X-Amz-Date": date,
            "X-Amz-Expires": str(int(lasts.total_seconds())),
            "X-Amz-SignedHeaders": names,
        }
        line = "&".join(f"{name}={quote(value, safe='')}" for name, value in sorted(query.items()))
        path = f"/{self.bucket}/{quote(key)}"
        header_lines = [f"{name}:{signed[name]}" for name in sorted(signed)]
        request = "\n".join([method, path, line, *header_lines, "", names, "UNSIGNED-PAYLOAD"])
        signature = self._signature(date, scope, request)
        url = f"{parts.scheme}://{parts.netloc}{path}?{line}&X-Amz-Signature={signature}"
        return SignedUrl(url=url, headers=dict(headers), expires_at=now + lasts)

    def _signature(self, date: str, scope: str, request: str) -> str:
        text = "\n".join([ALGORITHM, date, scope, hashlib.sha256(request.encode()).hexdigest()])
        key = f"AWS4{self.secret_key}".encode()
        for part in scope.split("/"):
            key = hmac.digest(key, part.encode(), "sha256")
        return hmac.new(key, text.encode(), "sha256").hexdigest()
