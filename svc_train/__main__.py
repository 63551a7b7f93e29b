"""Run the service: `python -m svc_train`."""

from __future__ import annotations

from shared.runtime.app import run
from svc_train.bootstrap import build
from svc_train.settings import TrainSettings

if __name__ == "__main__":
    run("svc_train", TrainSettings(), build)
