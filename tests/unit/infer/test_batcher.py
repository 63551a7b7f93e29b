"""The queue in front of the model thread."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError

import pytest

from shared.errors import OverloadedError, UnavailableError
from svc_infer.serving.batcher import Batcher, Limits
from tests.unit.infer.fakes import FakeClock, FakeModel, series, version

Start = Callable[..., Batcher]
LONG_S = 10.0


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def start(clock) -> Iterator[Start]:
    started: list[Batcher] = []

    def started_with(**limits: int) -> Batcher:
        batcher = Batcher(Limits(**limits), clock=clock)
        batcher.start()
        started.append(batcher)
        return batcher

    yield started_with
    for batcher in started:
        batcher.stop()


@pytest.fixture
def model() -> Iterator[FakeModel]:
    fake = FakeModel()
    yield fake
    fake.gate.set()


def busy(batcher: Batcher, model: FakeModel) -> None:
    """Occupy the model thread until the model's gate opens."""
    model.gate.clear()
    model.entered.clear()
    batcher.submit(model, [series(name="busy")])
    assert model.entered.wait(LONG_S)


def test_every_request_gets_its_own_answers_in_order(start, model):
    batcher = start()
    both = batcher.submit(model, [series(name="a"), series([9.0], name="b")])
    one = batcher.submit(model, [series([0.0], name="c")])
    assert [answer.id for answer in both.result(LONG_S)] == ["a", "b"]
    assert [(answer.id, answer.segments) for answer in one.result(LONG_S)] == [("c", ())]


def test_a_lone_request_is_not_held_back(start, model):
    batcher = start()
    batcher.submit(model, [series(name="a")]).result(LONG_S)
    batcher.submit(model, [series(name="b")]).result(LONG_S)
    assert model.batches == [["a"], ["b"]]


def test_what_comes_while_a_batch_runs_is_the_next_batch(start, model):
    batcher = start()
    busy(batcher, model)
    futures = [batcher.submit(model, [series(name=name)]) for name in "abc"]
    assert batcher.waiting(model) == 3
    model.gate.set()
    assert [future.result(LONG_S)[0].id for future in futures] == ["a", "b", "c"]
    assert model.batches == [["busy"], ["a", "b", "c"]]


def test_a_batch_holds_no_more_series_than_its_limit(start, model):
    batcher = start(batch_series=2)
    busy(batcher, model)
    futures = [batcher.submit(model, [series(name=name)]) for name in "abc"]
    futures.append(batcher.submit(model, [series(name="d")] * 5))
    model.gate.set()
    for future in futures:
        future.result(LONG_S)
    assert model.batches[1:] == [["a", "b"], ["c"], ["d"] * 5], "a request that is too large runs alone"


def test_a_batch_holds_no_more_values_than_its_limit(start, model):
    batcher = start(batch_values=10)
    busy(batcher, model)
    futures = [batcher.submit(model, [series([0.0] * length, name=str(length))]) for length in (6, 4, 1, 50)]
    model.gate.set()
    for future in futures:
        future.result(LONG_S)
    assert model.batches[1:] == [["6", "4"], ["1"], ["50"]]


def test_a_full_queue_turns_away_at_once(start, model):
    batcher = start(queue_requests=2)
    busy(batcher, model)
    futures = [batcher.submit(model, [series()]) for _ in range(2)]
    with pytest.raises(OverloadedError, match="2 requests with 6 values wait"):
        batcher.submit(model, [series()])
    model.gate.set()
    for future in futures:
        assert len(future.result(LONG_S)) == 1
    assert batcher.submit(model, [series()]).result(LONG_S), "there is room again"


def test_waiting_values_are_bounded_too(start, model):
    batcher = start(queue_values=10)
    busy(batcher, model)
    batcher.submit(model, [series([0.0] * 50)])  # an empty queue takes what a message can hold
    with pytest.raises(OverloadedError):
        batcher.submit(model, [series()])


def test_a_cancelled_request_never_reaches_the_model(start, model):
    batcher = start()
    busy(batcher, model)
    gone = batcher.submit(model, [series(name="gone")])
    stays = batcher.submit(model, [series(name="stays")])
    assert gone.cancel()
    model.gate.set()
    stays.result(LONG_S)
    assert model.batches == [["busy"], ["stays"]]


def test_what_is_dropped_takes_no_place_in_the_batch(start, model):
    batcher = start(batch_series=2)
    busy(batcher, model)
    futures = [batcher.submit(model, [series(name=name)]) for name in "abcd"]
    futures[1].cancel()
    futures[2].cancel()
    model.gate.set()
    futures[3].result(LONG_S)
    assert model.batches == [["busy"], ["a", "d"]]


def test_an_expired_request_never_reaches_the_model(start, model, clock):
    batcher = start()
    busy(batcher, model)
    late = batcher.submit(model, [series(name="late")], deadline=clock.now + 1)
    in_time = batcher.submit(model, [series(name="in time")], deadline=clock.now + 100)
    clock.now += 2
    model.gate.set()
    in_time.result(LONG_S)
    with pytest.raises(TimeoutError, match="waited for the model"):
        late.result(LONG_S)
    assert model.batches == [["busy"], ["in time"]]


def test_a_queue_of_requests_that_nobody_wants_any_more_is_skipped(start, model):
    batcher = start()
    busy(batcher, model)
    other = FakeModel(version(2))
    futures = [batcher.submit(other, [series()]) for _ in range(3)]
    wanted = batcher.submit(model, [series(name="wanted")])
    for future in futures:
        future.cancel()
    model.gate.set()
    wanted.result(LONG_S)
    assert other.batches == []


def test_models_take_turns(start, model):
    batcher = start(batch_series=1)
    order: list[str] = []
    other = FakeModel(version(2))
    busy(batcher, model)
    futures = [batcher.submit(model, [series(name="many")]) for _ in range(6)]
    futures += [batcher.submit(other, [series(name="few")]) for _ in range(2)]
    for future in futures:
        future.add_done_callback(lambda done: order.append(done.result()[0].id))
    model.gate.set()
    for future in futures:
        future.result(LONG_S)
    assert order == ["many", "few", "many", "few", "many", "many", "many", "many"]


def test_a_job_takes_turns_with_calls_and_is_never_turned_away(start, model):
    batcher = start(queue_requests=3, batch_series=1)
    busy(batcher, model)
    calls = [batcher.submit(model, [series(name="call")]) for _ in range(3)]
    with pytest.raises(OverloadedError):
        batcher.submit(model, [series(name="call")])
    chunk = batcher.submit(model, [series(name="chunk")], of_job=True)
    model.gate.set()
    for future in [*calls, chunk]:
        future.result(LONG_S)
    assert model.batches[1:] == [["call"], ["chunk"], ["call"], ["call"]]


def test_a_request_that_the_model_cannot_stand_fails_alone(start, model):
    model.poison = "bad"
    batcher = start()
    busy(batcher, model)
    futures = {name: batcher.submit(model, [series(name=name)]) for name in ("good", "bad", "fine")}
    model.gate.set()
    assert futures["good"].result(LONG_S)[0].id == "good"
    assert futures["fine"].result(LONG_S)[0].id == "fine"
    with pytest.raises(RuntimeError, match="cannot stand bad"):
        futures["bad"].result(LONG_S)
    assert batcher.submit(model, [series(name="after")]).result(LONG_S), "the model thread lives on"


def test_stopping_ends_the_batch_in_hand_and_cancels_what_waits(start, model):
    batcher = start()
    model.gate.clear()
    in_hand = batcher.submit(model, [series(name="in hand")])
    assert model.entered.wait(LONG_S)
    waiting = batcher.submit(model, [series()])
    model.gate.set()
    batcher.stop()
    assert in_hand.result(LONG_S)
    assert waiting.done()
    with pytest.raises(UnavailableError):
        batcher.submit(model, [series()])


def test_stopping_cancels_what_waits(model):
    batcher = Batcher(Limits())
    waiting = batcher.submit(model, [series()])  # the model thread has not begun
    batcher.start()
    waiting.result(LONG_S)
    busy(batcher, model)
    late = batcher.submit(model, [series()])
    late.add_done_callback(lambda _: model.gate.set())
    batcher.stop()
    with pytest.raises(CancelledError):
        late.result(LONG_S)
