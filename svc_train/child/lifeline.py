"""Several training processes of one run: they end with whoever started them."""

from __future__ import annotations

import ctypes
import os
import signal

PR_SET_PDEATHSIG = 1


def workers() -> int:
    """Processes that train together, each with a device of its own, as torchrun and Ray say it in the environment."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def is_one_of_several() -> bool:
    """Whether torchrun started this process beside others."""
    return workers() > 1


def end_with_parent() -> None:
    """Ask the kernel for SIGKILL when the parent is gone: torchrun itself may be killed and then ends nobody."""
    if ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, int(signal.SIGKILL)) != 0:
        raise OSError(ctypes.get_errno(), "prctl refused PR_SET_PDEATHSIG")
