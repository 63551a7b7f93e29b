"""Bundles that were made before a token stood in front of the embeddings (see `Base.opening_id`).

Their weights fit the networks of this release, which compute something else with them: only the spec tells them apart.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from shared.errors import IntegrityError

OPENING = "opening"


def made_earlier(spec: Mapping[str, Any]) -> str:
    """What is wrong with a bundle of an earlier release and what to do, for people; empty for one of this release."""
    return "" if spec.get(OPENING) is True else "made by an earlier release: train it again"


def check_opening(spec: Mapping[str, Any]) -> None:
    """IntegrityError when an earlier release made the bundle of this spec."""
    if reason := made_earlier(spec):
        raise IntegrityError(f"The bundle was {reason}")
