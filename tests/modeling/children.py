"""Training processes, started as their parent starts them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from svc_train.recipes.base import TrainingJob

TIMEOUT_S = 90


def write_job(
    folder: Path,
    job: TrainingJob,
    *,
    recipe: str = "series-lm",
    checkpoints: bool = False,
    resume_from: Path | None = None,
) -> Path:
    """Write `job.json`; the folder itself. Checkpoints go to `folder/checkpoints`."""
    source = job.series[0]
    body = {
        "run_id": "r-1",
        "attempt": 2,
        "recipe": recipe,
        "hyperparameters": dict(job.hyperparameters),
        "base": {"name": job.base.name, "digest": job.base.digest, "dir": str(job.base.folder)},
        "training_set": {"name": "pump-labels", "digest": "e" * 64, "dir": str(job.training_set.folder)},
        "series": [{"name": "pump", "digest": source.digest, "dir": str(source.folder), "meta": dict(source.meta)}],
        "output_dir": str(folder / "output"),
        "checkpoints_dir": str(folder / "checkpoints") if checkpoints else "",
        "resume_from": str(resume_from or ""),
    }
    (folder / "job.json").write_text(json.dumps(body))
    return folder


def start(folder: Path, *, launcher: Sequence[str] = (), **environment: str) -> subprocess.Popen[str]:
    """Start it on one thread."""
    return subprocess.Popen(
        [sys.executable, "-m", *launcher, "svc_train.child", str(folder)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1", **environment},
    )


def end(child: subprocess.Popen[str], *, timeout_s: float = TIMEOUT_S) -> tuple[int, list[dict[str, Any]], str]:
    """Wait for its end: exit code, events, log."""
    out, log = child.communicate(timeout=timeout_s)
    return child.returncode, [json.loads(line) for line in out.splitlines()], log
