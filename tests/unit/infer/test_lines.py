from __future__ import annotations

import threading

import pytest

from shared.contracts.interfaces import Interface
from shared.errors import OverloadedError
from svc_infer.domain.callers import Caller
from svc_infer.serving.lines import Lines
from tests.unit.infer.fakes import FakeClock, FakeModel, version

WAIT_S = 10.0


def model(interface: Interface = Interface.TEXT, number: int = 1) -> FakeModel:
    made = FakeModel(version(number))
    made.interface = interface
    return made


def patient() -> Caller:
    return Caller(deadline=2000.0, clock=FakeClock())


@pytest.fixture
def gate():
    made = threading.Event()
    yield made
    made.set()


def test_those_who_find_the_queue_full_are_turned_away_and_the_others_answered(gate):
    lines, asked = Lines({Interface.TEXT: 2}), model()
    waiting = [lines.ask(asked, lambda: gate.wait(WAIT_S), patient()) for _ in range(2)]
    assert lines.waiting(asked) == 2
    with pytest.raises(
        OverloadedError, match=r"2 questions about conversations \(Generate\) wait for an answer already"
    ):
        lines.ask(model(number=2), lambda: True, patient())
    gate.set()
    assert [one.result(WAIT_S) for one in waiting] == [True, True]
    assert lines.ask(asked, lambda: "again", patient()).result(WAIT_S) == "again"


def test_one_that_is_cancelled_before_its_turn_makes_room(gate):
    lines, asked = Lines({Interface.TEXT: 2}), model()
    first, second = (lines.ask(asked, lambda: gate.wait(WAIT_S), patient()) for _ in range(2))
    assert second.cancel()
    third = lines.ask(asked, lambda: 3, patient())
    gate.set()
    assert (first.result(WAIT_S), third.result(WAIT_S)) == (True, 3)
    assert lines.waiting(asked) == 0


def test_nobody_waits_behind_a_question_of_another_kind(gate):
    lines = Lines()
    slow = lines.ask(model(), lambda: gate.wait(WAIT_S), patient())
    assert lines.ask(model(Interface.PLAN), lambda: "planned", patient()).result(WAIT_S) == "planned"
    assert not slow.done()


@pytest.mark.parametrize("how", ["hung up", "too late"])
def test_a_question_that_nobody_waits_for_is_not_put_to_the_model(gate, how):
    lines, clock, put = Lines(), FakeClock(), []
    lines.ask(model(), lambda: gate.wait(WAIT_S), patient())
    caller = Caller(deadline=1001.0, clock=clock)
    answer = lines.ask(model(), lambda: put.append("asked"), caller)
    if how == "hung up":
        caller.leave()
    else:
        clock.now = 1001.0
    gate.set()
    with pytest.raises(TimeoutError):
        answer.result(WAIT_S)
    assert put == []
