"""Run every benchmark with its short defaults, one process after another."""

from __future__ import annotations

import subprocess
import sys

ALL = (
    "events",
    "lineage",
    "ingest",
    "label",
    "labelers",
    "serving",
    "registry",
    "files",
    "overhead",
    "training",
    "planner",
)

if __name__ == "__main__":
    for name in sys.argv[1:] or ALL:
        print(f"\n# {name}", flush=True)
        subprocess.run([sys.executable, "-m", f"bench.{name}"], check=True)
