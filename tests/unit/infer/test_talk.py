from __future__ import annotations

import threading

import pytest

from shared.errors import InvalidInputError, OverloadedError
from svc_infer.domain.texts import TextQuestion, TextReply
from svc_infer.serving.talk import Talk
from tests.unit.infer.fakes import FakeModel, version

QUESTION = TextQuestion(messages=({"role": "user", "content": "Hi"},), max_new_tokens=5)
WAIT_S = 10.0


class FakeTextModel(FakeModel):
    """Says how long the question was; answers once its gate is open."""

    def __init__(self) -> None:
        super().__init__(version(1))
        self.open = threading.Event()

    def converse(self, question: TextQuestion) -> TextReply:
        assert self.open.wait(WAIT_S)
        return TextReply(text=f"{len(question.messages)}", tokens=1, prompt_tokens=2, finish="stop")


def test_those_who_find_the_queue_full_are_turned_away_and_the_others_answered():
    model, talk = FakeTextModel(), Talk(waiting=2)
    waiting = [talk.ask(model, QUESTION) for _ in range(2)]
    with pytest.raises(OverloadedError, match="2 conversations wait for an answer already"):
        talk.ask(model, QUESTION)
    model.open.set()
    assert [one.result(WAIT_S).text for one in waiting] == ["1", "1"]
    assert talk.ask(model, QUESTION).result(WAIT_S).text == "1"


def test_one_that_is_cancelled_before_its_turn_makes_room():
    model, talk = FakeTextModel(), Talk(waiting=2)
    first, second = talk.ask(model, QUESTION), talk.ask(model, QUESTION)
    assert second.cancel()
    third = talk.ask(model, QUESTION)
    model.open.set()
    assert [one.result(WAIT_S).tokens for one in (first, third)] == [1, 1]


def test_a_series_model_is_not_asked():
    with pytest.raises(InvalidInputError, match="answers series"):
        Talk(waiting=1).ask(FakeModel(version(1)), QUESTION)
