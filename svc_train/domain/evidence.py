"""Which lines of a log show why an attempt went wrong."""

from __future__ import annotations

import re
from collections.abc import Sequence

MOST_LINES = 20
LINES_THAT_MATCH = 6
LINES_OF_A_TRACEBACK = 12
TRACEBACK = re.compile(r"^Traceback \(most recent call last\)|^Fatal Python error")


def evidence(log: Sequence[str], words: Sequence[str]) -> tuple[str, ...]:
    """The lines that say the words, and the end of the last traceback; without either, the last lines.

    In the log's order, at most `MOST_LINES`.

    Args:
        log: the last lines of the log.
        words: patterns of the diagnosis.
    """
    patterns = [re.compile(pattern, re.IGNORECASE) for pattern in words]
    matching = [number for number, line in enumerate(log) if any(pattern.search(line) for pattern in patterns)]
    traced = _last_traceback(log)
    chosen = {*matching[-LINES_THAT_MATCH:], *traced[-LINES_OF_A_TRACEBACK:]}
    if not chosen:
        chosen = set(range(len(log))[-MOST_LINES:])
    return tuple(log[number] for number in sorted(chosen))


def _last_traceback(log: Sequence[str]) -> range:
    """The numbers of its lines: from where it begins to the line of the exception and what that adds."""
    starts = [number for number, line in enumerate(log) if TRACEBACK.search(line)]
    if not starts:
        return range(0)
    end = starts[-1] + 1
    while end < len(log) and (log[end].startswith((" ", "\t")) or not log[end]):
        end += 1
    # The line that names the exception, then its further lines; they end where the log speaks again.
    return range(starts[-1], min(end + 4, len(log)))
