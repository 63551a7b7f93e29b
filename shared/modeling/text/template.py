"""Conversations to token ids, by the tokenizer's own chat template: the one road for training and serving alike.

What the model has to say is found by rendering the conversation up to each of its turns: the text up to there must be
the beginning of the text with the turn in it. That works with every template that only appends, whether or not it
marks the model's turns by itself.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from jinja2 import TemplateError
from numpy.typing import NDArray

from shared.errors import InvalidInputError

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

ASSISTANT = "assistant"
FIELD = "base"
Messages = Sequence[Mapping[str, str]]
# Text to token ids, for a family in whose text other things than words stand; by default the tokenizer alone.
Cut = Callable[[str], list[int]]


class NoChatTemplateError(InvalidInputError):
    """The tokenizer has no chat template, or none that conversations can be taught with."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Encoded:
    """A conversation in tokens.

    Args:
        ids: int32 [tokens].
        taught: bool [tokens], those the model has to say itself: its turns with their ends.
    """

    ids: NDArray[np.int32]
    taught: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.ids)

    def cut(self, length: int) -> Encoded:
        """The first so many tokens."""
        return Encoded(ids=self.ids[:length], taught=self.taught[:length])


def check_template(tokenizer: PreTrainedTokenizerBase) -> None:
    """NoChatTemplateError when there is none."""
    if not tokenizer.chat_template:
        raise NoChatTemplateError.of(FIELD, "its tokenizer has no chat template, so conversations have no form in it")


def prompt_ids(messages: Messages, tokenizer: PreTrainedTokenizerBase, cut: Cut | None = None) -> list[int]:
    """What the model reads before it answers; NoChatTemplateError as `encode`."""
    cut = cut or words_of(tokenizer)
    return cut(_rendered(messages, tokenizer, is_open=True))


def encode(messages: Messages, tokenizer: PreTrainedTokenizerBase, cut: Cut | None = None) -> Encoded:
    """A conversation whose last message is the assistant's.

    Each piece is cut into tokens on its own, as it is when the model answers: there, no token reaches from the prompt
    into the answer.

    Raises:
        NoChatTemplateError: there is no template, it refuses the conversation, or it changes earlier turns when later
            ones come.
    """
    cut = cut or words_of(tokenizer)
    ids: list[int] = []
    taught: list[bool] = []
    done = ""
    whole = _rendered(messages, tokenizer, is_open=False)
    for number, message in enumerate(messages):
        if message["role"] != ASSISTANT:
            continue
        prompt = _rendered(messages[:number], tokenizer, is_open=True)
        said = _rendered(messages[: number + 1], tokenizer, is_open=False)
        if not (prompt.startswith(done) and said.startswith(prompt) and whole.startswith(said)):
            raise NoChatTemplateError.of(
                FIELD, "its chat template renders earlier turns otherwise once later ones come, so it cannot be taught"
            )
        context, answer = cut(prompt[len(done) :]), cut(said[len(prompt) :])
        ids += [*context, *answer]
        taught += [*[False] * len(context), *_up_to_the_end(answer, tokenizer)]
        done = said
    return Encoded(ids=np.array(ids, dtype=np.int32), taught=np.array(taught, dtype=bool))


def _up_to_the_end(answer: Sequence[int], tokenizer: PreTrainedTokenizerBase) -> list[bool]:
    """Which tokens of a turn are taught: those up to its end mark; a template may write a line break behind it."""
    ends = [place for place, token in enumerate(answer) if token == tokenizer.eos_token_id]
    last = ends[-1] if ends else len(answer) - 1
    return [place <= last for place in range(len(answer))]


def _rendered(messages: Messages, tokenizer: PreTrainedTokenizerBase, *, is_open: bool) -> str:
    check_template(tokenizer)
    turns = [dict(message) for message in messages]
    try:
        return str(tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=is_open))
    except TemplateError as error:
        raise NoChatTemplateError.of(FIELD, f"its chat template refuses the conversation: {error}") from error


def words_of(tokenizer: PreTrainedTokenizerBase) -> Cut:
    """Cuts text into the tokenizer's own tokens."""

    def cut(text: str) -> list[int]:
        # The template writes the special tokens itself.
        ids: list[int] = tokenizer(text, add_special_tokens=False, verbose=False)["input_ids"] if text else []
        return ids

    return cut
