"""Run the service: `python -m svc_ingest`."""

from __future__ import annotations

from shared.runtime.app import run
from svc_ingest.bootstrap import build
from svc_ingest.settings import IngestSettings

if __name__ == "__main__":
    run("svc_ingest", IngestSettings(), build)
