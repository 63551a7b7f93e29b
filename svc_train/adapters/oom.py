"""Whether the kernel has killed for want of memory: SIGKILL alone does not say who sent it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

# Of this process's control group as a container sees it: version 2, then version 1.
COUNTERS = (Path("/sys/fs/cgroup/memory.events"), Path("/sys/fs/cgroup/memory/memory.oom_control"))


def oom_kills(counters: Sequence[Path] = COUNTERS) -> int:
    """Processes of this control group that were killed for want of memory so far; 0 where nobody counts them."""
    for counter in counters:
        try:
            lines = counter.read_text(encoding="ascii").splitlines()
        except OSError:
            continue
        for line in lines:
            name, _, count = line.partition(" ")
            if name == "oom_kill":
                return int(count)
    return 0
