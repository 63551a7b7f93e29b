"""`upwell demo`."""

from __future__ import annotations


def demo() -> None:
    """The whole loop on real data."""
