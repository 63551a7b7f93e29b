"""Settings of svc_registry."""

from __future__ import annotations

from pydantic import Field

from shared.runtime.settings import ServiceSettings

DEFAULT_PORT = 50055


class RegistrySettings(ServiceSettings):
    """What every service has, and how clients reach the object store."""

    s3_public_endpoint: str = Field(
        "",
        pattern=r"^(https?://[^/?#]+)?$",
        description="Object store as clients reach it, http://host or https://host with a port if need be: addresses "
        "for uploads and downloads are signed for it. Empty means that clients reach it as the services do.",
    )
    s3_address_seconds: int = Field(
        3600, ge=60, le=604_800, description="How long an address for an upload or download is good."
    )
