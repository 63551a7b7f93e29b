"""The `TextModel` port over a predictor of the interface `text`."""

from __future__ import annotations

from collections.abc import Callable

from shared.contracts.interfaces import Interface
from shared.contracts.versions import ModelVersion
from shared.modeling.predictor import TextPredictor
from shared.modeling.text.values import Finish, TextInput
from svc_infer.domain.texts import TextQuestion, TextReply


class PredictedText:
    """A loaded version."""

    interface = Interface.TEXT

    def __init__(self, version: ModelVersion, predictor: TextPredictor) -> None:
        self.version = version
        self._predictor = predictor

    def converse(
        self, question: TextQuestion, *, say: Callable[[str], None], must_stop: Callable[[], bool]
    ) -> TextReply:
        """What it says next; see the port."""
        asked = TextInput(
            id="",
            messages=question.messages,
            max_new_tokens=question.max_new_tokens,
            features=question.features,
        )
        answer = self._predictor.answer(asked, say=say, must_stop=must_stop)
        if answer.finish is Finish.STOPPED:
            raise TimeoutError("Nobody waited for the answer any more")
        return TextReply(
            text=answer.text, tokens=answer.tokens, prompt_tokens=answer.prompt_tokens, finish=str(answer.finish)
        )
