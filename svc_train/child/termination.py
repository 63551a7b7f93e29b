"""SIGTERM: a training gets a few seconds to leave a last checkpoint, everything else ends at once."""

from __future__ import annotations

import os
import signal
import threading
import time

from svc_train.recipes.stopping import StopRequest

# What a shell says of a program that SIGTERM ended.
STOPPED = 128 + signal.SIGTERM
# Whoever waits for the end kills what is still there a little later.
GRACE_S = 4.0


def heed_termination(stop: StopRequest, *, grace_s: float = GRACE_S) -> None:
    """From now on SIGTERM sets `stop`, and ends the process when nobody heeds that, or not in time.

    Call it on the main thread before there are others: a thread of its own waits for the signal, because Python's
    handlers wait for the end of a C++ call, which can be a long step.
    """
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    threading.Thread(target=_wait, args=(stop, grace_s), name="termination", daemon=True).start()


def _wait(stop: StopRequest, grace_s: float) -> None:
    signal.sigwait({signal.SIGTERM})
    if stop.request():
        time.sleep(grace_s)
    os._exit(STOPPED)
