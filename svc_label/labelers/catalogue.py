"""The labelers installed here, found by their entry points: ours and other packages' use the same door."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from importlib.metadata import entry_points

from shared.errors import NotFoundError
from svc_label.labelers.base import AnyLabeler

GROUP = "upwell.labelers"


def installed_labelers() -> Mapping[str, AnyLabeler]:
    """Labelers by name, sorted. A labeler that cannot be imported raises what its import raises."""
    found = {point.name: point.load() for point in entry_points(group=GROUP)}
    return dict(sorted(found.items()))


def labeler_named(name: str, labelers: Mapping[str, AnyLabeler]) -> AnyLabeler:
    """The labeler, or NotFoundError with the nearest name."""
    if name in labelers:
        return labelers[name]
    near = get_close_matches(name, labelers, n=1)
    hint = f"; did you mean {near[0]!r}?" if near else f": use one of {', '.join(labelers)}"
    raise NotFoundError(f"labeler: {name!r} is not installed here{hint}")
