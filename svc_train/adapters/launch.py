"""Becomes another program that dies with the service. Run as a file by `python -I -S`, so it starts fast.

Arguments: the service's process id, the program and its arguments.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def main() -> None:
    """Ask the kernel for SIGKILL, see that the service is still there, and become the program."""
    parent, *command = sys.argv[1:]
    if ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, int(signal.SIGKILL)) != 0:
        raise OSError(ctypes.get_errno(), "prctl refused PR_SET_PDEATHSIG")
    # A service that died before the call above sends no signal any more.
    if os.getppid() != int(parent):
        raise SystemExit(1)
    # Python ignores it, and an ignored signal would stay ignored in the program.
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    os.execvp(command[0], command)  # noqa: S606 - the service's own command, no shell


if __name__ == "__main__":
    main()
