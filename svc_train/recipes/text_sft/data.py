"""Conversations of a `chat/v1` training set in tokens: read, split, cut, packed."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from shared.contracts.chat import CHAT_FILE, Conversation, conversation_of_line
from shared.errors import InvalidInputError
from shared.modeling.text.packing import Pack, pack
from shared.modeling.text.template import Encoded, encode
from svc_train.recipes.base import TrainingJob
from svc_train.recipes.text_sft.config import TextSftConfig

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

# Keeps the split apart from what else is drawn from the same seed.
SPLIT = 1

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class TextData:
    """Rows to learn from and rows held out, and how many conversations were cut or left out.

    Args:
        train_texts: the conversations to learn from, as they were before they were cut and packed.
        cut: longer than a row: their end is missing.
        left_out: so long that nothing the model says was left in the row.
    """

    train: tuple[Pack, ...]
    held_out: tuple[Pack, ...]
    train_texts: tuple[Conversation, ...]
    train_conversations: int
    held_out_conversations: int
    cut: int
    left_out: int


def read_data(job: TrainingJob, config: TextSftConfig, tokenizer: PreTrainedTokenizerBase) -> TextData:
    """Read and split; the same seed splits in the same way.

    Raises:
        InvalidInputError: the file is absent or a line of it is no conversation; or nothing is left to learn from.
        NoChatTemplateError: the tokenizer's template cannot form a conversation.
    """
    conversations = list(_read(job.training_set.folder / CHAT_FILE))
    encoded = [encode(one.messages, tokenizer) for one in conversations]
    kept = [one.cut(config.max_length) for one in encoded]
    usable = [index for index, one in enumerate(kept) if one.taught[1:].any()]
    order = np.random.default_rng([config.seed, SPLIT]).permutation(usable).tolist()
    count = _held_out_count(len(order), config)
    held_out, train = order[:count][: config.limit_eval or None], order[count:][: config.limit_train or None]
    if not train:
        reason = f"none of {len(conversations)} conversations has an answer within max_length {config.max_length}"
        raise InvalidInputError.of("training_set", reason)
    return TextData(
        train=_packed([kept[i] for i in train], config),
        held_out=_packed([kept[i] for i in held_out], config),
        train_texts=tuple(conversations[i] for i in train),
        train_conversations=len(train),
        held_out_conversations=len(held_out),
        cut=sum(len(one) > config.max_length for one in encoded),
        left_out=len(kept) - len(usable),
    )


def _held_out_count(conversations: int, config: TextSftConfig) -> int:
    if not config.eval_fraction or conversations < 2:
        return 0
    return min(max(round(config.eval_fraction * conversations), 1), conversations - 1)


def _read(path: Path) -> Iterator[Conversation]:
    try:
        file = path.open("rb")
    except FileNotFoundError as error:
        raise InvalidInputError.of("training_set", f"the training set has no file {CHAT_FILE}") from error
    with file:
        for number, line in enumerate(file, start=1):
            yield conversation_of_line(line, f"line {number} of {CHAT_FILE}")


def _packed(conversations: Sequence[Encoded], config: TextSftConfig) -> tuple[Pack, ...]:
    if not config.packing:
        return tuple((one,) for one in conversations)
    rows = pack([len(one) for one in conversations], config.max_length)
    return tuple(tuple(conversations[index] for index in row) for row in rows)


def counts(data: TextData) -> dict[str, float]:
    """Sizes of the split, for the log and the metrics."""
    return {
        "train_conversations": data.train_conversations,
        "train_rows": len(data.train),
        "train_tokens": sum(len(one) for row in data.train for one in row),
        "held_out_conversations": data.held_out_conversations,
        "cut_conversations": data.cut,
        "left_out_conversations": data.left_out,
    }
