"""Conversations about fields in tokens: read, checked against the Geoformer's grid, split."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from shared.contracts.chat import CHAT_FILE, GEOFORMER, Conversation, conversation_of_line
from shared.errors import InvalidInputError
from shared.fields.answers import Fact, facts_of_text
from shared.fields.samples import FieldSample, read_sample
from shared.modeling.ocean_chat.places import cut_at_marks, spread_encoded
from shared.modeling.ocean_chat.spec import OceanChatSpec
from shared.modeling.ocean_chat.tensors import field_tensors
from shared.modeling.text.template import Encoded, encode
from svc_train.recipes.base import TrainingJob
from svc_train.recipes.ocean_chat.config import OceanChatConfig

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

# Keeps the split apart from what else is drawn from the same seed.
SPLIT = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """A conversation in tokens, and the files of its fields in the order of their places."""

    conversation: Conversation
    encoded: Encoded
    files: tuple[Path, ...]
    facts: tuple[Fact, ...]

    def samples(self) -> list[FieldSample]:
        """Its fields, read again: they are many."""
        return [read_sample(file, file.name) for file in self.files]


@dataclass(frozen=True, slots=True, kw_only=True)
class OceanChatData:
    """What is learnt from, and what is held out; `left_out` were longer than a conversation may be."""

    train: tuple[Example, ...]
    held_out: tuple[Example, ...]
    left_out: int

    def counts(self) -> dict[str, float]:
        """Sizes of the split, for the log and the metrics."""
        return {
            "train_conversations": len(self.train),
            "train_tokens": sum(len(one.encoded) for one in self.train),
            "held_out_conversations": len(self.held_out),
            "left_out_conversations": self.left_out,
        }


def read_data(
    job: TrainingJob, config: OceanChatConfig, spec: OceanChatSpec, tokenizer: PreTrainedTokenizerBase
) -> OceanChatData:
    """Read, check and split.

    Raises:
        InvalidInputError: a line or a sample is wrong, or does not fit the Geoformer; or nothing is left to learn from.
        NoChatTemplateError: the tokenizer's template cannot form a conversation.
    """
    folder = job.training_set.folder
    examples = [
        _example(line, f"line {number} of {CHAT_FILE}", folder, spec, tokenizer)
        for number, line in enumerate(_lines(folder / CHAT_FILE), start=1)
    ]
    kept = [one for one in examples if len(one.encoded) <= config.max_length]
    train, held_out = _split(kept, config)
    train, held_out = train[: config.limit_train or None], held_out[: config.limit_eval or None]
    if not train:
        reason = f"of {len(examples)} conversations none is left to learn from within max_length {config.max_length}"
        raise InvalidInputError.of("training_set", reason)
    return OceanChatData(train=tuple(train), held_out=tuple(held_out), left_out=len(examples) - len(kept))


def _lines(path: Path) -> list[bytes]:
    try:
        return path.read_bytes().splitlines()
    except FileNotFoundError as error:
        raise InvalidInputError.of("training_set", f"the training set has no file {CHAT_FILE}") from error


def _example(line: bytes, place: str, folder: Path, spec: OceanChatSpec, tokenizer: PreTrainedTokenizerBase) -> Example:
    conversation = conversation_of_line(line, place)
    marks = sum(turn.text.count(GEOFORMER) for turn in conversation.turns)
    if marks != len(conversation.features):
        reason = f"{place} has {marks} {GEOFORMER} and {len(conversation.features)} features; each has one of the other"
        raise InvalidInputError.of("training_set", reason)
    months: list[int] = []
    facts: list[Fact] = []
    for name in conversation.features:
        sample = read_sample(folder / name, f"{place}: {name}")
        field_tensors(sample, spec.geoformer, f"{place}: {name}")
        months.append(sample.history)
        facts += facts_of_text(sample.facts, f"{place}: {name}") if sample.facts else ()
    encoded = encode(conversation.messages, tokenizer, cut_at_marks(tokenizer))
    return Example(
        conversation=conversation,
        encoded=spread_encoded(encoded, [spec.places(count) for count in months]),
        files=tuple(folder / name for name in conversation.features),
        facts=tuple(facts),
    )


def _split(examples: Sequence[Example], config: OceanChatConfig) -> tuple[list[Example], list[Example]]:
    """Those marked as a test are held out, where there are any; else a share at random."""
    marked = [one.conversation.is_test for one in examples]
    order = np.random.default_rng([config.seed, SPLIT]).permutation(len(examples)).tolist()
    if any(marked):
        return [examples[i] for i in order if not marked[i]], [examples[i] for i in order if marked[i]]
    count = round(config.eval_fraction * len(examples))
    return [examples[i] for i in order[count:]], [examples[i] for i in order[:count]]
