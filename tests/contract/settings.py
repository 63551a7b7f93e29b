"""Settings that reach the suite's own servers."""

from __future__ import annotations

import uuid

from pydantic import SecretStr

from shared.runtime.settings import ServiceSettings
from tests.support.servers import Servers


def s3_settings(servers: Servers, **changed: object) -> ServiceSettings:
    """A bucket of its own on the real S3 server, with settings changed."""
    keys = servers.record.s3_keys
    values: dict[str, object] = {
        "s3_endpoint": f"http://{servers.record.address('s3')}",
        "s3_access_key": keys["access"],
        "s3_secret_key": SecretStr(keys["secret"]),
        "s3_bucket": f"test-{uuid.uuid4().hex[:12]}",
    }
    return ServiceSettings(**{**values, **changed})  # type: ignore[arg-type]
