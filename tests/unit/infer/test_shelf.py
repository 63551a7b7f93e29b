"""Loaded versions."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from shared.errors import IntegrityError, NotFoundError, OverloadedError, UnavailableError
from svc_infer.domain.models import ModelRefusedError, ModelState
from svc_infer.serving.shelf import FIRST_RETRY_S, WAITING_LOADS, Shelf
from tests.unit.infer.fakes import FakeClock, FakeLoader, version

LONG_S = 10.0
V1, V2, V3, V4 = (version(number) for number in range(1, 5))


@pytest.fixture
def loader() -> Iterator[FakeLoader]:
    fake = FakeLoader()
    yield fake
    fake.gate.set()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def start(loader, clock) -> Iterator[Callable[..., Shelf]]:
    started: list[Shelf] = []

    def started_with(capacity: int = 2) -> Shelf:
        shelf = Shelf(loader, capacity=capacity, clock=clock)
        shelf.start()
        started.append(shelf)
        return shelf

    yield started_with
    loader.gate.set()
    for shelf in started:
        shelf.stop()


def states(shelf: Shelf) -> dict[str, ModelState]:
    return {str(status.version): status.state for status, _ in shelf.statuses()}


def loaded(shelf: Shelf, *versions) -> None:
    for one in versions:
        shelf.load(one).result(LONG_S)


def test_a_version_is_loaded_once_however_many_wait(start, loader):
    shelf = start()
    loader.gate.clear()
    futures = [shelf.load(V1) for _ in range(5)]
    assert states(shelf) == {"pump@1": ModelState.LOADING}
    assert shelf.ready(V1) is None
    assert shelf.find("pump", 1) is None
    loader.gate.set()
    models = {future.result(LONG_S) for future in futures}
    assert len(models) == 1
    assert shelf.ready(V1) in models
    assert shelf.find("pump", 1) == V1
    assert loader.loads == ["pump@1"]
    [(status, _)] = shelf.statuses()
    assert status.state is ModelState.READY
    assert status.ready_at is not None


def test_nobody_who_stops_waiting_takes_the_model_from_the_others(start, loader):
    shelf = start()
    loader.gate.clear()
    future = shelf.load(V1)
    assert not future.cancel()
    loader.gate.set()
    assert shelf.load(V1).result(LONG_S).version == V1


@pytest.mark.parametrize(
    ("error", "cause"),
    [
        (IntegrityError("model.safetensors is damaged"), "integrity"),
        (NotFoundError("There is no manifest 000000000001"), "not_found"),
    ],
)
def test_a_version_that_is_not_what_it_claims_is_refused_with_the_reason(start, loader, error, cause):
    shelf = start()
    loader.errors[V1.run_id] = error
    with pytest.raises(ModelRefusedError, match=f"pump@1 was refused and is not served: {error}") as refused:
        shelf.load(V1).result(LONG_S)
    [(status, model)] = shelf.statuses()
    assert status.state is ModelState.FAILED
    assert model is None
    assert status.failure == refused.value.failure
    assert (status.failure.cause, status.failure.reason) == (cause, str(error))
    assert status.failure.remedy


def test_an_unexpected_error_refuses_the_version_without_its_details(start, loader):
    shelf = start()
    loader.errors[V1.run_id] = RuntimeError("/home/somebody/secret")
    with pytest.raises(ModelRefusedError) as refused:
        shelf.load(V1).result(LONG_S)
    assert refused.value.failure.cause == "internal_error"
    assert "secret" not in str(refused.value)
    loaded(shelf, V2)


def test_a_refused_version_is_tried_again_after_growing_delays(start, loader, clock):
    shelf = start()
    loader.errors[V1.run_id] = IntegrityError("damaged")
    for tries, delay_s in ((1, FIRST_RETRY_S), (2, 2 * FIRST_RETRY_S)):
        with pytest.raises(ModelRefusedError):
            shelf.load(V1).result(LONG_S)
        clock.now += delay_s - 1
        with pytest.raises(ModelRefusedError):
            shelf.load(V1).result(LONG_S)
        assert len(loader.loads) == tries, "the delay is not over"
        clock.now += 2
    del loader.errors[V1.run_id]
    loaded(shelf, V1)
    assert states(shelf) == {"pump@1": ModelState.READY}


def test_a_dependency_that_is_down_is_not_held_against_the_version(start, loader):
    shelf = start()
    loader.errors[V1.run_id] = UnavailableError("The object store does not answer")
    with pytest.raises(UnavailableError):
        shelf.load(V1).result(LONG_S)
    assert states(shelf) == {}
    del loader.errors[V1.run_id]
    loaded(shelf, V1)


def test_the_least_used_version_makes_room(start, clock):
    shelf = start(capacity=2)
    for one in (V1, V2):
        clock.now += 1
        loaded(shelf, one)
    clock.now += 1
    assert shelf.ready(V1)
    clock.now += 1
    loaded(shelf, V3)
    assert states(shelf) == {"pump@1": ModelState.READY, "pump@3": ModelState.READY}


def test_a_version_that_an_alias_names_makes_room_last(start, clock):
    shelf = start(capacity=2)
    shelf.keep({V1.run_id})
    for one in (V1, V2, V3, V4):
        clock.now += 1
        loaded(shelf, one)
    assert set(states(shelf)) == {"pump@1", "pump@4"}


def test_there_is_room_until_aliases_name_all_that_fits(start):
    shelf = start(capacity=2)
    loaded(shelf, V1, V2)
    shelf.keep({V1.run_id})
    assert shelf.has_room
    shelf.keep({V1.run_id, V2.run_id})
    assert not shelf.has_room


def test_looking_is_no_use(start, clock):
    shelf = start(capacity=2)
    for one in (V1, V2):
        clock.now += 1
        loaded(shelf, one)
    clock.now += 1
    assert shelf.holds(V1)
    loaded(shelf, V3)
    assert not shelf.holds(V1)


def test_too_many_loads_at_once_are_turned_away(start, loader):
    shelf = start(capacity=20)
    loader.gate.clear()
    first = shelf.load(version(100))
    assert loader.entered.wait(LONG_S), "the loader's thread took it from the queue"
    waiting = [shelf.load(version(101 + number)) for number in range(WAITING_LOADS)]
    with pytest.raises(OverloadedError, match="4 versions wait to be loaded already, so pump@200 cannot"):
        shelf.load(version(200))
    assert shelf.load(version(101)) is waiting[0]
    loader.gate.set()
    for future in [first, *waiting]:
        future.result(LONG_S)


def test_refusals_do_not_pile_up(start, loader):
    shelf = start()
    for number in range(1, 50):
        one = version(number)
        loader.errors[one.run_id] = IntegrityError("damaged")
        with pytest.raises(ModelRefusedError):
            shelf.load(one).result(LONG_S)
    assert len(states(shelf)) == 32
    assert "pump@49" in states(shelf)
