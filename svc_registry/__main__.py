"""Run the service: `python -m svc_registry`."""

from __future__ import annotations

from shared.runtime.app import run
from svc_registry.bootstrap import build
from svc_registry.settings import RegistrySettings

if __name__ == "__main__":
    run("svc_registry", RegistrySettings(), build)
