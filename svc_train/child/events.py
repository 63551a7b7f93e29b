"""Events to the parent: one JSON object a line on what was the process's stdout."""

from __future__ import annotations

import json
import os
import sys
import threading
from typing import Any, Protocol


class Events(Protocol):
    """Takes events for the parent."""

    def send(self, event: str, **fields: Any) -> None:
        """Tell one event; the fields are JSON values."""


class EventStream:
    """Writes events; safe from several threads.

    Args:
        descriptor: an open file descriptor that nobody else writes to.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._lock = threading.Lock()

    def send(self, event: str, **fields: Any) -> None:
        """Write one event; BrokenPipeError when the parent is gone."""
        line = json.dumps({"event": event, **fields}, ensure_ascii=False, allow_nan=False).encode() + b"\n"
        with self._lock:
            while line:
                line = line[os.write(self._descriptor, line) :]


def take_stdout() -> EventStream:
    """Keep stdout for events, and let everything else that is printed go to stderr.

    Libraries print; a line of theirs between the events would break the protocol. Descriptor 1 itself is turned
    over, so that what C++ code prints goes to stderr as well.
    """
    sys.stdout.flush()
    private = os.dup(1)
    os.dup2(2, 1)
    return EventStream(private)
