"""Run the service: `python -m svc_infer`."""

from __future__ import annotations

from shared.runtime.app import run
from svc_infer.bootstrap import build
from svc_infer.settings import InferSettings

if __name__ == "__main__":
    run("svc_infer", InferSettings(), build)
