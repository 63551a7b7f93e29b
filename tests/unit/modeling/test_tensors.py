from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch

from shared.modeling.bases import load_base
from shared.modeling.series.spec import SeriesSpec
from shared.modeling.series.tensors import encode_windows, window_starts
from tests.modeling.samples import SMALL, beat

VALUE, STEP, OBSERVED = 0, 1, 2


@pytest.fixture(scope="module")
def encode(tiny_base: Path):
    tokenizer = load_base(tiny_base).tokenizer

    def encode(*windows: np.ndarray):
        return encode_windows(windows, SMALL, tokenizer)

    return encode


def _points(batch, row: int, feature: int) -> np.ndarray:
    return batch.features_BPKF[row, :, :, feature].flatten().numpy()


@pytest.mark.parametrize("rows", [1, 63, 64, 65, 96, 97, 1000])
def test_windows_cover_every_row_and_leave_no_series(rows: int):
    starts = window_starts(rows, SMALL)
    covered = np.zeros(rows, dtype=int)
    for start in starts:
        covered[start : start + SMALL.window] += 1
    assert covered.min() >= 1
    assert starts == sorted(set(starts))
    assert starts[-1] == max(rows - SMALL.window, 0)
    assert all(b - a <= SMALL.stride for a, b in pairwise(starts))


def test_a_window_is_normalised_and_its_prompt_keeps_what_that_took_away(encode, tiny_base: Path):
    values = 1000 + 50 * beat(64)
    batch = encode(values)
    value = _points(batch, 0, VALUE)
    assert value.mean() == pytest.approx(0, abs=1e-5)
    assert value.std() == pytest.approx(1, abs=1e-5)
    np.testing.assert_allclose(_points(batch, 0, STEP)[1:], np.diff(value), atol=1e-5)
    assert _points(batch, 0, OBSERVED).all()
    text = load_base(tiny_base).tokenizer.decode(batch.prompt_ids_BQ[0][batch.prompt_mask_BQ[0]])
    assert text == f"mean {values.mean():.2e} scale {values.std():.2e} values: "


def test_windows_of_one_shape_look_alike_whatever_their_level_and_scale(encode):
    values = beat(64)
    batch = encode(values, -3e6 + 1e-2 * values, 1e200 * values)
    for row in (1, 2):
        np.testing.assert_allclose(_points(batch, row, VALUE), _points(batch, 0, VALUE), atol=1e-3)


def test_a_short_series_is_padded_and_marked(encode):
    batch = encode(beat(20))
    assert batch.present_BP[0].tolist() == [True] * 3 + [False] * 5
    assert batch.observed_BT[0].tolist() == [True] * 20 + [False] * 44
    for feature in (VALUE, STEP, OBSERVED):
        assert not _points(batch, 0, feature)[20:].any()
    assert _points(batch, 0, VALUE)[:20].std() == pytest.approx(1, abs=1e-5)


def test_missing_values_are_bridged_and_marked(encode):
    whole = np.arange(64.0)
    holed = whole.copy()
    holed[[0, 10, 11, 12, 63]] = np.nan
    batch = encode(holed)
    assert np.flatnonzero(~batch.observed_BT[0].numpy()).tolist() == [0, 10, 11, 12, 63]
    value = _points(batch, 0, VALUE)
    np.testing.assert_allclose(np.diff(value[1:63]), value[2] - value[1], rtol=1e-4)
    assert value[0] == value[1]
    assert value[63] == value[62]
    assert np.flatnonzero(_points(batch, 0, OBSERVED) == 0).tolist() == [0, 10, 11, 12, 63]


@pytest.mark.parametrize(
    "values",
    [
        np.full(64, 7.3),
        np.full(64, 0.0),
        np.full(64, np.nan),
        np.full(64, 1e300),
        np.array([5.0]),
        1.7e308 * np.linspace(-1, 1, 64),
        np.linspace(0, 5e-324 * 60, 64),
        np.array([0.1] * 63 + [0.1 + 1e-17]),
    ],
    ids=["constant", "zero", "missing", "huge", "one", "widest", "denormal", "rounding"],
)
def test_the_strangest_windows_give_finite_numbers(encode, values: np.ndarray):
    batch = encode(values)
    assert torch.isfinite(batch.features_BPKF).all()
    assert batch.features_BPKF.abs().max() < 100


def test_a_constant_is_flat(encode):
    batch = encode(np.full(64, 7.3))
    assert not _points(batch, 0, VALUE).any()
    assert not _points(batch, 0, STEP).any()


def test_a_window_is_encoded_alike_alone_and_in_company(encode):
    alone = encode(beat(64, seed=3))
    together = encode(1e-3 * beat(64, seed=4), beat(64, seed=3), beat(11))
    assert torch.equal(alone.features_BPKF[0], together.features_BPKF[1])
    assert torch.equal(
        alone.prompt_ids_BQ[0][alone.prompt_mask_BQ[0]], together.prompt_ids_BQ[1][together.prompt_mask_BQ[1]]
    )


def test_prompts_of_unequal_length_are_padded_on_the_left(tiny_base: Path):
    spec = SeriesSpec(window=64, stride=64, prompt="{mean:g} <ts>")
    batch = encode_windows([np.full(64, 1.0), np.full(64, 12345.0)], spec, load_base(tiny_base).tokenizer)
    assert batch.prompt_mask_BQ[:, -1].all()
    lengths = batch.prompt_mask_BQ.sum(1).tolist()
    assert lengths[0] < lengths[1] == batch.prompt_mask_BQ.shape[1]
    assert batch.tokens == sum(lengths) + 16
