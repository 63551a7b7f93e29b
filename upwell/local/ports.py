"""Free ports on the loopback interface, the same ones again after a restart where they are still free."""

from __future__ import annotations

import random
import socket
from collections.abc import Iterable, Mapping

HOST = "127.0.0.1"
# Below the range from which the kernel takes ports for outgoing connections, so that none of those is in the way.
RANGE = range(20_000, 32_000)
TRIES = 1_000


def choose_ports(names: Iterable[str], wanted: Mapping[str, int]) -> dict[str, int]:
    """A free port for each name: the one wanted, or else another.

    Raises:
        RuntimeError: no free port was found.
    """
    chosen: dict[str, int] = {}
    for name in names:
        taken = set(chosen.values())
        port = wanted.get(name, 0)
        chosen[name] = port if port and port not in taken and is_free(port) else _another(taken)
    return chosen


def is_free(port: int) -> bool:
    """Whether a server could listen on the port now."""
    with socket.socket() as probe:
        # As servers do: a connection of the last server that lingers is no obstacle.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def _another(taken: set[int]) -> int:
    for _ in range(TRIES):
        port = random.choice(RANGE)  # noqa: S311 - no secret
        if port not in taken and is_free(port):
            return port
    raise RuntimeError(f"no free port was found between {RANGE.start} and {RANGE.stop}")
