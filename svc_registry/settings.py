"""Settings of svc_registry."""

from __future__ import annotations

from shared.runtime.settings import ServiceSettings

DEFAULT_PORT = 50055


class RegistrySettings(ServiceSettings):
    """What every service has, and nothing more."""
