"""Settings of svc_registry."""

from __future__ import annotations

from pydantic import Field, SecretStr

from shared.runtime.settings import ServiceSettings

DEFAULT_PORT = 50055


class RegistrySettings(ServiceSettings):
    """How clients reach the object store, whom the catalogue trusts, and whom it tells."""

    s3_public_endpoint: str = Field(
        "",
        pattern=r"^(https?://[^/?#]+)?$",
        description="Object store as clients reach it, http://host or https://host with a port if need be: addresses "
        "for uploads and downloads are signed for it. Empty means that clients reach it as the services do.",
    )
    s3_address_seconds: int = Field(
        3600, ge=60, le=604_800, description="How long an address for an upload or download is good."
    )
    trusted_keys: str = Field(
        "",
        description="Public keys that may sign models, as name:key separated by commas; `upwell keys new` prints it.",
    )
    webhooks: str = Field(
        "",
        description="http:// or https:// addresses that every change of the catalogue is posted to, separated by "
        "commas, at most 16.",
    )
    webhook_secret: SecretStr = Field(
        SecretStr(""),
        description="What webhooks are signed with, as the Standard Webhooks specification has it: whsec_ and 24 to "
        "64 bytes in base64. Has to be set where there are webhooks.",
    )
