"""Tasks in words: a job and the size of its input, in many phrasings, some of which no training split holds."""

# ruff: noqa: RUF001 - Chinese has its own punctuation.

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from shared.planning.profile import Tool
from shared.planning.template import number_text

CHINESE, ENGLISH = "zh", "en"
LANGUAGES = (CHINESE, ENGLISH)


@dataclass(frozen=True, slots=True, kw_only=True)
class Phrasings:
    """Ways to ask for a job in one language.

    `openings` and `closings` are put before and behind; `trained` and `held_out` are the sentences between them, with
    the tool's `name` or its `description`, and the `size` of the input.
    """

    openings: tuple[str, ...]
    trained: tuple[str, ...]
    held_out: tuple[str, ...]
    closings: tuple[str, ...]


PHRASINGS = {
    ENGLISH: Phrasings(
        openings=("", "Please: ", "Next job. ", "For the night shift: "),
        trained=(
            "Run {name} on an input of size {size}.",
            "I need {name} for input size {size}.",
            "Start {name}; the input has size {size}.",
            "Input size {size}, job {name}.",
            "There is an input of size {size} waiting for {name}.",
            "Do this with an input of size {size}: {description}",
            "{description} The input has size {size}.",
        ),
        held_out=(
            "Could {name} take care of an input of size {size}?",
            "What is wanted, for input size {size}, is this: {description}",
        ),
        closings=("", " As fast as you can.", " Tell me when it is done.", " The system is shared."),
    ),
    CHINESE: Phrasings(
        openings=("", "请注意：", "下一个任务：", "值班任务："),
        trained=(
            "用 {name} 处理规模为 {size} 的输入。",
            "运行 {name}，输入规模 {size}。",
            "输入规模是 {size}，任务是 {name}。",
            "有一份规模为 {size} 的输入等待 {name}。",
            "请启动 {name}，它的输入规模为 {size}。",
            "输入规模 {size}，要做的事：{description}",
            "任务说明：{description} 输入规模为 {size}。",
        ),
        held_out=(
            "能不能让 {name} 来处理这份规模 {size} 的输入？",
            "我想要的是：{description} 这次的输入规模有 {size}。",
        ),
        closings=("", "越快越好。", "完成后告诉我。", "系统是共用的。"),
    ),
}  # fmt: skip


def draw_task(
    rng: np.random.Generator, tool: Tool, input_size: float, languages: Sequence[str], *, is_held_out: bool
) -> str:
    """Words for a job, in one of the languages; held-out phrasings are never those of training."""
    phrasings = PHRASINGS[languages[int(rng.integers(len(languages)))]]
    sentences = phrasings.held_out if is_held_out else phrasings.trained
    opening, sentence, closing = (_one(rng, texts) for texts in (phrasings.openings, sentences, phrasings.closings))
    size = number_text(input_size)
    return opening + sentence.format(name=tool.name, description=tool.description, size=size) + closing


def _one(rng: np.random.Generator, texts: Sequence[str]) -> str:
    return texts[int(rng.integers(len(texts)))]
