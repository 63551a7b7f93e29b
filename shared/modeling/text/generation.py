"""Answers token by token: said piece by piece, and ended when nobody waits for them any more."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import torch
from tokenizers.decoders import DecodeStream
from torch import Tensor
from transformers import StoppingCriteria

from shared.modeling.text.values import Finish

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

Say = Callable[[str], None]
MustStop = Callable[[], bool]


def nobody_listens(_: str) -> None:
    """The answer as a whole is enough."""


def never() -> bool:
    """Nothing ends the answer early."""
    return False


class Teller(StoppingCriteria):
    """Given to `generate` as a stopping criterion: it sees each new token, says it, and may end the answer.

    Args:
        tokenizer: a fast one, as every bundle has.
        say: called with each piece of text: whole characters, special tokens left out.
        must_stop: asked after each token.
    """

    def __init__(self, tokenizer: PreTrainedTokenizerBase, *, say: Say, must_stop: MustStop) -> None:
        self._tokenizer = tokenizer
        self._stream = DecodeStream(skip_special_tokens=True)
        self._say = say
        self._must_stop = must_stop
        self._said = ""
        self._is_stopped = False

    def __call__(self, input_ids: Tensor, scores: Any, **_: Any) -> Any:
        """Whether the one row of `input_ids` [1, T] is at its end."""
        del scores
        # A character may take several tokens: nothing is said before it is whole.
        self._tell(self._stream.step(self._tokenizer.backend_tokenizer, int(input_ids[0, -1])) or "")
        self._is_stopped = self._must_stop()
        return torch.full((1,), self._is_stopped, device=input_ids.device)

    def finish_of(self, tokens: Sequence[int]) -> Finish:
        """Why an answer of these tokens ended."""
        if tokens[-1] == self._tokenizer.eos_token_id:
            return Finish.STOP
        return Finish.STOPPED if self._is_stopped else Finish.LENGTH

    def finish(self, text: str) -> None:
        """Say what the whole answer has more than was said, e.g. the mark of a character that was cut off."""
        if text.startswith(self._said):
            self._tell(text[len(self._said) :])

    def _tell(self, piece: str) -> None:
        if piece:
            self._said += piece
            self._say(piece)
