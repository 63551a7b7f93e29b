"""The thread on which conversations are answered, and the bounded queue in front of it.

Beside the model thread: an answer takes seconds, and questions about series must not wait for it.
"""

from __future__ import annotations

import threading
from concurrent.futures import Future, ThreadPoolExecutor

from shared.errors import InvalidInputError, OverloadedError
from svc_infer.domain.texts import TextQuestion, TextReply
from svc_infer.ports import Model, TextModel


class Talk:
    """One thread and what waits for it.

    Args:
        waiting: questions that may wait or be answered at once; others are turned away.
    """

    def __init__(self, *, waiting: int) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="conversation")
        self._room = threading.Semaphore(waiting)
        self._limit = waiting

    def ask(self, model: Model, question: TextQuestion) -> Future[TextReply]:
        """Put a question in line; one that is cancelled before its turn is dropped.

        Raises:
            InvalidInputError: the model answers no conversations.
            OverloadedError: too many wait.
        """
        if not isinstance(model, TextModel):
            raise InvalidInputError.of("model", f"{model.version} answers series (Predict), not conversations")
        if not self._room.acquire(blocking=False):
            raise OverloadedError(f"{self._limit} conversations wait for an answer already: try again later")
        answer = self._thread.submit(model.converse, question)
        answer.add_done_callback(lambda _: self._room.release())
        return answer
