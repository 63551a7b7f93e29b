"""Rows of ShareGPT and of messages become conversations, or are refused with their place."""

from __future__ import annotations

from typing import Any

import pytest

from shared.contracts.chat import MAX_TURN_BYTES, MAX_TURNS, Speaker, conversation_of, conversation_of_line
from shared.errors import InvalidInputError

HUMAN, GPT = {"from": "human", "value": "压力正常吗？"}, {"from": "gpt", "value": "正常。"}


def test_sharegpt_and_messages_are_the_same_conversation() -> None:
    sharegpt = {"id": 7, "system": "Be short.", "conversations": [HUMAN, GPT], "source": "lab"}
    messages = {
        "id": "7",
        "messages": [
            {"role": "system", "content": "Be short."},
            {"role": "user", "content": "压力正常吗？"},
            {"role": "assistant", "content": "正常。"},
        ],
    }
    one = conversation_of(sharegpt, "line 1")
    assert one == conversation_of(messages, "line 1")
    assert [turn.speaker for turn in one.turns] == [Speaker.SYSTEM, Speaker.HUMAN, Speaker.GPT]
    assert one.messages == messages["messages"]


def test_a_conversation_comes_back_from_its_line() -> None:
    for row in ({"conversations": [HUMAN, GPT]}, {"id": "a", "conversations": [HUMAN, GPT, HUMAN, GPT]}):
        one = conversation_of(row, "line 1")
        assert conversation_of_line(one.to_line(), "line 1") == one
        assert b"\n" not in one.to_line()


WRONG: dict[str, tuple[Any, str]] = {
    "no object": ([HUMAN, GPT], "is [{'from'"),
    "neither list": ({"text": "hi"}, "it has neither, but ['text']"),
    "both lists": ({"conversations": [HUMAN, GPT], "messages": []}, "it has both"),
    "no turns": ({"conversations": []}, "at least one of them"),
    "a turn that is text": ({"conversations": ["hi"]}, "turn 1 is 'hi'; a turn is an object with 'from' and 'value'"),
    "an unknown speaker": (
        {"conversations": [HUMAN, {"from": "tool", "value": "x"}]},
        "turn 2: 'from' is 'tool'; it is one of: system, human, user, gpt, assistant",
    ),
    "a number for text": ({"conversations": [HUMAN, {"from": "gpt", "value": 3}]}, "turn 2: 'value' is 3; it must be"),
    "no text": ({"conversations": [HUMAN, {"from": "gpt"}]}, "turn 2: 'value' is absent"),
    "white space": ({"conversations": [HUMAN, {"from": "gpt", "value": " \n"}]}, "turn 2: 'value' is empty"),
    "a NUL": ({"conversations": [HUMAN, {"from": "gpt", "value": "a\0"}]}, "NUL character at position 1"),
    "half a pair": ({"conversations": [HUMAN, {"from": "gpt", "value": "a\ud83d"}]}, "surrogate pair at position 1"),
    "a long turn": (
        {"conversations": [HUMAN, {"from": "gpt", "value": "x" * (MAX_TURN_BYTES + 1)}]},
        "at most 1048576 (1 MiB) are allowed",
    ),
    "too many turns": ({"conversations": [HUMAN, GPT] * MAX_TURNS}, "at most 1000 are allowed"),
    "the model first": ({"conversations": [GPT, HUMAN]}, "turn 1 is of 'gpt', due is 'human'"),
    "twice the same": ({"conversations": [HUMAN, HUMAN, GPT]}, "turn 2 is of 'human', due is 'gpt'"),
    "a late system turn": (
        {"conversations": [HUMAN, {"from": "system", "value": "x"}, GPT]},
        "turn 2 is of 'system', due is 'gpt'",
    ),
    "two system turns": (
        {"system": "a", "conversations": [{"from": "system", "value": "b"}, HUMAN, GPT]},
        "turn 2 is of 'system', due is 'human'",
    ),
    "the person last": ({"conversations": [HUMAN, GPT, HUMAN]}, "the last turn is of 'human'"),
    "system alone": ({"conversations": [{"from": "system", "value": "x"}]}, "the last turn is of 'system'"),
    "an id that is none": ({"id": [1], "conversations": [HUMAN, GPT]}, "'id' is [1]"),
    "images": ({"images": ["a.png"], "conversations": [HUMAN, GPT]}, "has 'images'; chat/v1 holds text alone"),
}


@pytest.mark.parametrize("kind", WRONG)
def test_a_wrong_row_is_refused_with_its_place(kind: str) -> None:
    row, reason = WRONG[kind]
    with pytest.raises(InvalidInputError) as caught:
        conversation_of(row, "line 12")
    assert [violation.field for violation in caught.value.violations] == ["file"]
    assert str(caught.value).startswith("file: line 12: ")
    assert reason in str(caught.value)


def test_a_line_that_is_no_json_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="line 2: is no JSON object on one line"):
        conversation_of_line(b'{"conversations": [', "line 2")
