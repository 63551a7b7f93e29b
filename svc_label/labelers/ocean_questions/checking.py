"""Computes every number of every answer again, from the samples of a folder."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from shared.contracts.chat import CHAT_FILE, SHAREGPT_FILE, Conversation, conversation_of, conversation_of_line
from shared.errors import InvalidInputError
from shared.fields.answers import facts_of_text, untrue
from shared.fields.samples import read_sample


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """How much was looked at, and what of it is not true, each with its place."""

    answers: int
    facts: int
    wrong: tuple[str, ...]


def check_folder(folder: Path) -> Checked:
    """Check the conversations of a folder: `chat.jsonl`, else `geoformer_sft.json`, with `features/*.npz` beside it.

    Raises:
        InvalidInputError: a conversation or a sample cannot be read, or says nothing of where its numbers come from.
    """
    answers = facts = 0
    wrong: list[str] = []
    for place, conversation in _conversations(folder):
        if len(conversation.features) != 1 or len(conversation.turns) != 2:
            reason = (
                f"{place}: has {len(conversation.features)} features; a question of this kind has one, and one answer"
            )
            raise InvalidInputError.of("file", reason)
        [path] = conversation.features
        sample = read_sample(folder / path, f"{place}: {path}")
        answers += 1
        facts += len(facts_of_text(sample.facts, f"{place}: {path}"))
        wrong += [f"{place}: {one}" for one in untrue(conversation.turns[1].text, sample, f"{place}: {path}")]
    return Checked(answers=answers, facts=facts, wrong=tuple(wrong))


def _conversations(folder: Path) -> Iterator[tuple[str, Conversation]]:
    lines, array = folder / CHAT_FILE, folder / SHAREGPT_FILE
    if lines.is_file():
        for number, line in enumerate(lines.read_bytes().splitlines(), start=1):
            yield f"line {number}", conversation_of_line(line, f"line {number}")
    elif array.is_file():
        for number, row in enumerate(_rows(array), start=1):
            yield f"item {number}", conversation_of(row, f"item {number}")
    else:
        raise InvalidInputError.of("folder", f"{folder.name} has neither {CHAT_FILE} nor {SHAREGPT_FILE}")


def _rows(array: Path) -> list[Any]:
    try:
        rows = json.loads(array.read_bytes())
    except ValueError as error:
        raise InvalidInputError.of("file", f"{array.name} is no JSON: {error}") from error
    if not isinstance(rows, list):
        raise InvalidInputError.of("file", f"{array.name} is no array of conversations")
    return rows
