"""The command that trains: a process of its own, several by torchrun, or several on a Ray cluster."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping
from pathlib import Path

CHILD = "svc_train.child"
DEVICES = Path("/dev")


def training_command(*, workers: int, on_ray: bool = False) -> tuple[str, ...]:
    """The command; the job's folder comes behind it.

    Args:
        workers: processes that train one model together; 0 takes one for each GPU of this machine, and at least one.
        on_ray: they run on the cluster that RAY_ADDRESS names.
    """
    workers = workers or max(gpu_count(DEVICES, os.environ), 1)
    if on_ray:
        return (sys.executable, "-m", f"{CHILD}.ray", "--workers", str(workers))
    if workers == 1:
        return (sys.executable, "-m", CHILD)
    # --standalone: all of them on this machine, whatever else trains on it.
    return (
        *(sys.executable, "-m", "torch.distributed.run"),
        *("--standalone", "--nproc-per-node", str(workers), "-m", CHILD),
    )


def gpu_count(devices: Path, environment: Mapping[str, str]) -> int:
    """NVIDIA GPUs that a process started from here can use. Asking torch would cost seconds and its memory."""
    visible = environment.get("CUDA_VISIBLE_DEVICES")
    present = sum(re.fullmatch(r"nvidia\d+", path.name) is not None for path in devices.glob("nvidia*"))
    if visible is None:
        return present
    return min(len([one for one in visible.split(",") if one.strip()]), present)
