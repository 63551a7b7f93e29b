"""The `Model` and `TextModel` ports over a predictor of the text family."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Never

from shared.contracts.versions import ModelVersion
from shared.errors import InvalidInputError
from shared.modeling.predictor import Predictor
from shared.modeling.text.values import TextInput
from svc_infer.domain.chunks import Reach
from svc_infer.domain.series import Answer, Series
from svc_infer.domain.texts import TextQuestion, TextReply


class ConversingModel:
    """A loaded version that answers conversations; whoever asks it about series is told so."""

    def __init__(self, version: ModelVersion, predictor: Predictor) -> None:
        self.version = version
        self._predictor = predictor

    @property
    def reach(self) -> Reach:
        """It has none."""
        self._refuse()

    def predict(self, series: Sequence[Series]) -> list[Answer]:
        """InvalidInputError that says what it is for."""
        del series
        self._refuse()

    def converse(self, question: TextQuestion) -> TextReply:
        """What it says next."""
        asked = TextInput(id="", messages=question.messages, max_new_tokens=question.max_new_tokens)
        [answer] = self._predictor.predict([asked])
        return TextReply(
            text=answer.text, tokens=answer.tokens, prompt_tokens=answer.prompt_tokens, finish=str(answer.finish)
        )

    def _refuse(self) -> Never:
        raise InvalidInputError.of("model", f"{self.version} answers conversations (Generate), not series")
