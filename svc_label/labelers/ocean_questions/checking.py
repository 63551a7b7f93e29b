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
    """How much was looked at, in which files, and what of it is not true, each with its place."""

    files: tuple[str, ...]
    answers: int
    facts: int
    wrong: tuple[str, ...]


def check_folder(folder: Path) -> Checked:
    """Check the conversations of a folder: `chat.jsonl`, `geoformer_sft.json` or both, with `features/*.npz` beside.

    The two should say the same, but either may be what a model learns from, so neither vouches for the other.

    Raises:
        InvalidInputError: a conversation or a sample cannot be read, or says nothing of where its numbers come from.
    """
    files = _files(folder)
    answers = facts = 0
    wrong: list[str] = []
    for place, conversation in (each for file in files for each in _conversations(file)):
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
    return Checked(files=tuple(file.name for file in files), answers=answers, facts=facts, wrong=tuple(wrong))


def _files(folder: Path) -> list[Path]:
    if not folder.is_dir():
        raise InvalidInputError.of("folder", f"{folder} is {'no folder' if folder.exists() else 'missing'}")
    files = [folder / name for name in (CHAT_FILE, SHAREGPT_FILE) if (folder / name).is_file()]
    if not files:
        raise InvalidInputError.of("folder", f"{folder} has neither {CHAT_FILE} nor {SHAREGPT_FILE}")
    return files


def _conversations(file: Path) -> Iterator[tuple[str, Conversation]]:
    """Each with its place: the file, where in it, and the conversation's id."""
    if file.name == CHAT_FILE:
        for number, line in enumerate(file.read_bytes().splitlines(), start=1):
            place = f"{file}, line {number}"
            yield _identified(place, conversation_of_line(line, place))
    else:
        for number, row in enumerate(_rows(file), start=1):
            place = f"{file}, item {number}"
            yield _identified(place, conversation_of(row, place))


def _identified(place: str, conversation: Conversation) -> tuple[str, Conversation]:
    return f"{place} ({conversation.id})" if conversation.id else place, conversation


def _rows(array: Path) -> list[Any]:
    try:
        rows = json.loads(array.read_bytes())
    except (ValueError, RecursionError) as error:
        raise InvalidInputError.of("file", f"{array} is no JSON: {error}") from error
    if not isinstance(rows, list):
        raise InvalidInputError.of("file", f"{array} is no array of conversations")
    return rows
