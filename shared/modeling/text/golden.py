"""The golden inputs of the text family, and when two answers to one of them agree."""

# ruff: noqa: RUF001 - Chinese has punctuation of its own

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

# Tokens of an answer that a certificate holds.
STEPS = 8


def golden_inputs() -> list[dict[str, Any]]:
    """A question, one in Chinese with numbers, and a conversation that goes on.

    None has a system turn, for not every template takes one.
    """
    return [
        {"messages": [_said("user", "What is unusual in rows 120 to 180?")]},
        {"messages": [_said("user", "均值 6.4，尺度 2.05：压力正常吗？")]},
        {
            "messages": [
                _said("user", 'Read {"label": "spike", "confidence": 0.93}.'),
                _said("assistant", "It is a spike, and rather sure."),
                _said("user", "And then?"),
            ]
        },
    ]


def differences(certified: Mapping[str, Any], answered: Mapping[str, Any], *, tolerance: float) -> list[str]:
    """What differs between two answers.

    The decisions are the prompt's tokens, which come from template and tokenizer, and the tokens of the answer. Where
    the two likeliest tokens are closer to each other than the tolerance, rounding alone may decide; what follows such
    a place is another answer and is not compared. The scores are the probabilities of the prompt's own tokens.
    """
    if certified["prompt"] != answered["prompt"]:
        return [f"the prompt became {len(answered['prompt'])} other tokens, not the {len(certified['prompt'])} of then"]
    furthest = max(abs(a - b) for a, b in zip(certified["scores"], answered["scores"], strict=True))
    by_score = [f"a probability is off by {furthest:.2g}, tolerated is {tolerance:g}"] if furthest > tolerance else []
    return by_score + _by_token(certified, answered, tolerance)


def _by_token(certified: Mapping[str, Any], answered: Mapping[str, Any], tolerance: float) -> list[str]:
    for place, (wanted, found, margin) in enumerate(
        zip(certified["tokens"], answered["tokens"], certified["margins"], strict=False)
    ):
        if margin <= tolerance:
            return []
        if wanted != found:
            return [f"token {place} of the answer is {found}, not {wanted}"]
    if len(certified["tokens"]) != len(answered["tokens"]):
        return [f"the answer has {len(answered['tokens'])} tokens, not {len(certified['tokens'])}"]
    return []


def _said(role: str, content: str) -> dict[str, str]:
    return {"role": role, "content": content}
