"""The one of a name among those that a server has installed."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Protocol, TypeVar

from upwell.errors import ToolError


class Named(Protocol):
    """Has a name."""

    @property
    def name(self) -> str:
        """Its name."""


NamedT = TypeVar("NamedT", bound=Named)


def one_named(name: str, installed: Iterable[NamedT], *, what: str) -> NamedT:
    """The one of this name.

    Raises:
        ToolError: there is none; it names the nearest, or lists those there are.
    """
    found = {one.name: one for one in installed}
    if name not in found:
        nearest = difflib.get_close_matches(name, found, n=1)
        hint = f"; did you mean {nearest[0]!r}?" if nearest else f"; there are: {', '.join(found) or 'none'}."
        raise ToolError(f"{name!r} is no {what}{hint}")
    return found[name]
