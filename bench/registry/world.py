"""What both contenders hold, and what they are asked to do."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from typing import Protocol

STAGES = 20
MODELS = 100
# The model whose alias and versions are asked for; and the chain, in which each version has its predecessor as parent.
ASKED = "model-7"
CHAIN = "chain"
ALIAS = "champion"


class Contender(Protocol):
    """A server with `versions` model versions in it, one chain of `STAGES` among them."""

    def client(self) -> AbstractContextManager[Mapping[str, Callable[[], None]]]:
        """A client of its own connection: operation -> does it once, and checks the answer."""


def names(versions: int) -> Iterator[tuple[str, int]]:
    """Model and version number of everything but the chain."""
    for number in range(versions):
        yield f"model-{number % MODELS}", number // MODELS + 1
