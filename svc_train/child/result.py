"""What the parent reads when a training has completed: `result.json` beside the bundle."""

from __future__ import annotations

import json
import platform
import resource
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from svc_train.child.job import BUNDLE_FOLDER, RESULT_FILE
from svc_train.child.lifeline import workers
from svc_train.child.machine import machine_facts, peak_gpu_bytes
from svc_train.recipes.base import TrainingResult

# The packages whose version can change what a training gives.
PACKAGES = (
    "accelerate",
    "bitsandbytes",
    "numpy",
    "peft",
    "pyarrow",
    "safetensors",
    "tokenizers",
    "torch",
    "transformers",
)


def write_result(folder: Path, *, family: str, result: TrainingResult, wall_seconds: float) -> None:
    """Write the numbers of a completed training."""
    body = {
        "family": family,
        "metrics": {name: float(value) for name, value in result.metrics.items()},
        "total_steps": result.total_steps,
        "tokens": result.tokens,
        "epochs": result.epochs,
        "device": result.device,
        "versions": versions(),
        "facts": machine_facts(folder / BUNDLE_FOLDER),
        "devices": workers() if result.device == "cuda" else 1,
        "peak_device_bytes": peak_gpu_bytes(),
        # Linux counts this in KiB.
        "peak_rss_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
        "wall_seconds": wall_seconds,
    }
    (folder / RESULT_FILE).write_text(json.dumps(body, indent=2, sort_keys=True, allow_nan=False) + "\n")


def versions() -> dict[str, str]:
    """Versions of Python and of the installed packages that matter, by name."""
    found = {"python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found
