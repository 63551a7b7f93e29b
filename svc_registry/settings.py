"""Settings of svc_registry."""

from __future__ import annotations

from pydantic import Field, SecretStr

from shared.runtime.settings import ServiceSettings

DEFAULT_PORT = 50055


class RegistrySettings(ServiceSettings):
    """Whom the catalogue trusts, and whom it tells."""

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
