from __future__ import annotations

import json

import numpy as np
import pytest

from svc_train.recipes.series_lm.config import SeriesLMConfig
from svc_train.recipes.series_lm.data import Track
from svc_train.recipes.series_lm.sampling import WindowSampler
from svc_train.recipes.training.sampling import Examples, Shuffled


def test_every_example_comes_once_an_epoch_and_each_epoch_has_another_order():
    order = Shuffled(range(20), seed=1)
    first, second = order.draw(20), order.draw(20)
    assert sorted(first) == sorted(second) == list(range(20))
    assert first != second
    assert first != list(range(20))


def test_the_order_does_not_depend_on_how_many_are_drawn_at_once():
    together, apart = Shuffled(range(7), seed=3), Shuffled(range(7), seed=3)
    assert together.draw(20) == [example for _ in range(10) for example in apart.draw(2)]


def test_another_seed_gives_another_order():
    assert Shuffled(range(20), seed=1).draw(20) != Shuffled(range(20), seed=2).draw(20)


def test_without_shuffling_the_order_is_that_of_the_sequence():
    assert Shuffled("abc", seed=1, shuffle=False).draw(5) == ["a", "b", "c", "a", "b"]


def _windows() -> WindowSampler:
    values = np.arange(300.0)
    targets = np.zeros(300, dtype=np.int16)
    targets[100:110] = 1
    track = Track(series="s", channel="c", values=values, targets=targets)
    return WindowSampler([track], SeriesLMConfig(window=64, noise=0.1, flip_probability=0.5))


@pytest.mark.parametrize("make", [lambda: Shuffled(range(9), seed=4), _windows])
@pytest.mark.parametrize("drawn", [0, 5, 9, 23])
def test_a_restored_order_goes_on_where_the_other_stands(make, drawn: int):
    one: Examples = make()
    one.draw(drawn)
    state = json.loads(json.dumps(one.state()))
    other: Examples = make()
    other.restore(state)
    wanted, found = one.draw(12), other.draw(12)
    assert all(_same(a, b) for a, b in zip(wanted, found, strict=True))


def _same(a, b) -> bool:
    return a == b if isinstance(a, int) else np.array_equal(a.values, b.values)


def test_an_epoch_of_windows_covers_the_rows():
    assert _windows().epoch_size == 5


@pytest.mark.parametrize("state", [{"epoch": 0, "place": 10}, {"epoch": -1, "place": 0}])
def test_a_state_of_other_examples_is_refused(state: dict[str, int]):
    with pytest.raises(ValueError, match="of 9"):
        Shuffled(range(9), seed=4).restore(state)
