"""How the services read the catalogue without holding up the loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar

from svc_registry.ports import RegistryStore, RegistryTransaction

AnswerT = TypeVar("AnswerT")


async def read(store: RegistryStore, answer: Callable[[RegistryTransaction], AnswerT]) -> AnswerT:
    """An answer from one transaction that only reads."""

    def in_transaction() -> AnswerT:
        with store.reading() as tx:
            return answer(tx)

    return await asyncio.to_thread(in_transaction)
