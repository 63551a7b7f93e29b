"""Run the service: `python -m svc_label`."""

from __future__ import annotations

from shared.runtime.app import run
from svc_label.bootstrap import build
from svc_label.settings import LabelSettings

if __name__ == "__main__":
    run("svc_label", LabelSettings(), build)
