"""Those who wait for models that answer one question at a time: a thread and a bounded queue for each interface.

Beside the model thread of series: an answer may take seconds, and questions about series must not wait for it. A plan
does not wait for a conversation either. A model has one interface, so that one thread alone asks it.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from shared.contracts.interfaces import Interface
from shared.errors import OverloadedError
from svc_infer.domain.callers import Caller
from svc_infer.domain.interfaces import CALLS
from svc_infer.ports import Model

ResultT = TypeVar("ResultT")
# Where an answer takes seconds, more would wait longer than anybody does; messages of fields are large besides.
WAITING: Mapping[Interface, int] = {
    Interface.TEXT: 16,
    Interface.FIELD: 16,
    Interface.PLAN: 256,
    Interface.VALUES: 256,
}


class Lines:
    """One line an interface.

    Args:
        waiting: interface -> questions that may wait or be answered at once; others are turned away.
    """

    def __init__(self, waiting: Mapping[Interface, int] = WAITING) -> None:
        self._limits = waiting
        self._lock = threading.Lock()
        self._waiting: Counter[Model] = Counter()
        # A thread begins with the first question.
        self._threads = {
            interface: ThreadPoolExecutor(1, thread_name_prefix=f"model-{interface}") for interface in waiting
        }

    def ask(self, model: Model, question: Callable[[], ResultT], caller: Caller) -> Future[ResultT]:
        """Put a question in line; it is dropped when nobody waits any more once its turn comes.

        Args:
            model: whom to ask; the question keeps it alive.
            question: asks it.
            caller: who waits; once that one is gone the future raises TimeoutError.

        Raises:
            OverloadedError: too many wait.
        """
        self._take_room(model)
        answer = self._threads[model.interface].submit(_answer, question, caller)
        answer.add_done_callback(lambda _: self._leave(model))
        return answer

    def waiting(self, model: Model) -> int:
        """Questions to a model that wait or are being answered."""
        with self._lock:
            return self._waiting[model]

    def _take_room(self, model: Model) -> None:
        limit = self._limits[model.interface]
        with self._lock:
            waiting = sum(count for other, count in self._waiting.items() if other.interface == model.interface)
            if waiting >= limit:
                raise OverloadedError(
                    f"{limit} questions about {CALLS[model.interface]} wait for an answer already: try again later"
                )
            self._waiting[model] += 1

    def _leave(self, model: Model) -> None:
        with self._lock:
            self._waiting[model] -= 1
            if not self._waiting[model]:
                del self._waiting[model]  # or an unloaded model would stay in memory


def _answer(question: Callable[[], ResultT], caller: Caller) -> ResultT:
    if caller.is_gone():
        raise TimeoutError("The deadline passed while the question waited for the model")
    return question()
