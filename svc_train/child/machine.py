"""What a training ran on, without a word of which machine it was: neither its name, nor a user's, nor a path."""

from __future__ import annotations

import json
import platform
import sys
from collections import Counter
from pathlib import Path
from typing import Any

CPUINFO = Path("/proc/cpuinfo")
BUNDLE_INFO = "bundle.json"


def machine_facts(bundle_dir: Path) -> dict[str, str]:
    """Kind of processor and of GPUs, CUDA, threads, and the dtype of what was made; what is not known is absent."""
    facts = {"cpu": _cpu(), "dtype": _dtype(bundle_dir), **_torch_facts()}
    return {name: value for name, value in facts.items() if value}


def gpu_count() -> int:
    """GPUs that a training here can use."""
    torch = _torch()
    return torch.cuda.device_count() if torch and torch.cuda.is_available() else 0


def peak_gpu_bytes() -> int:
    """The most memory that tensors took on the GPUs, together."""
    torch = _torch()
    return sum(torch.cuda.max_memory_allocated(number) for number in range(gpu_count())) if torch else 0


def _torch_facts() -> dict[str, str]:
    torch = _torch()
    if torch is None:
        return {}
    names = Counter(torch.cuda.get_device_name(number) for number in range(gpu_count()))
    return {
        "threads": str(torch.get_num_threads()),
        "gpus": ", ".join(f"{count} x {name}" for name, count in names.items()),
        # What torch was built for, which says something only where it is used.
        "cuda": torch.version.cuda or "" if names else "",
    }


def _torch() -> Any:
    # A recipe that trains without torch need not pay for it.
    return sys.modules.get("torch")


def _cpu() -> str:
    try:
        lines = CPUINFO.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, "") or platform.processor() or platform.machine()


def _dtype(bundle_dir: Path) -> str:
    try:
        return str(json.loads((bundle_dir / BUNDLE_INFO).read_bytes()).get("dtype", ""))
    except (OSError, ValueError, AttributeError):
        return ""
