from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from shared.modeling.bases import load_base
from shared.modeling.series.network import SeriesLM
from shared.modeling.series.spec import SeriesSpec
from shared.modeling.series.tensors import encode_windows
from tests.modeling.samples import SMALL, beat


@pytest.fixture(scope="module")
def network(tiny_base: Path) -> SeriesLM:
    torch.manual_seed(1)
    return SeriesLM(load_base(tiny_base).decoder, SMALL).eval()


@pytest.fixture(scope="module")
def logits(network: SeriesLM, tiny_base: Path):
    tokenizer = load_base(tiny_base).tokenizer

    def logits(*windows: np.ndarray):
        with torch.inference_mode():
            return network(encode_windows(windows, SMALL, tokenizer))

    return logits


def test_every_point_gets_a_score_and_a_choice_of_labels(logits):
    found = logits(beat(64), beat(64, seed=1), beat(9))
    assert found.score_BT.shape == (3, 64)
    assert found.label_BTL.shape == (3, 64, 2)
    assert torch.isfinite(found.score_BT).all()


def test_one_label_needs_no_choice(tiny_base: Path):
    base = load_base(tiny_base)
    spec = SeriesSpec(window=64, stride=32)
    network = SeriesLM(base.decoder, spec)
    assert network(encode_windows([beat(64)], spec, base.tokenizer)).label_BTL.shape == (1, 64, 0)


def test_company_does_not_change_an_answer(logits):
    # The second prompt is longer, the third window is padded: both make padding beside the first.
    alone = logits(beat(64)).score_BT[0]
    together = logits(beat(64), -1e-7 * beat(64), beat(9)).score_BT[0]
    torch.testing.assert_close(together, alone, rtol=0, atol=1e-4)


def test_points_behind_the_end_of_a_series_do_not_speak(network: SeriesLM, tiny_base: Path):
    batch = encode_windows([beat(24)], SMALL, load_base(tiny_base).tokenizer)
    with torch.inference_mode():
        before = network(batch).score_BT[0, :24]
        batch.features_BPKF[0, 3:] = 123.0
        after = network(batch).score_BT[0, :24]
    assert torch.equal(before, after)


@pytest.mark.parametrize("patch", [0, 3, 7])
def test_every_point_hears_what_comes_before_and_behind_it(network: SeriesLM, tiny_base: Path, patch: int):
    # Features are changed, not values: those would change the window's mean and scale, and so every patch.
    batch = encode_windows([beat(64)], SMALL, load_base(tiny_base).tokenizer)
    with torch.inference_mode():
        before = network(batch).score_BT[0]
        batch.features_BPKF[0, patch] += 3
        after = network(batch).score_BT[0]
    assert (before != after).all()


def test_the_prompt_is_heard(logits):
    torch.manual_seed(0)
    plain, larger = logits(beat(64)).score_BT, logits(1000 * beat(64)).score_BT
    assert not torch.allclose(plain, larger, atol=1e-6)


def test_patches_enter_at_the_magnitude_of_the_bases_own_tokens(network: SeriesLM, tiny_base: Path):
    base = load_base(tiny_base)
    batch = encode_windows([beat(64)], SMALL, base.tokenizer)
    patches = network.encoder(batch.features_BPKF)
    tokens = base.decoder.get_input_embeddings().weight
    assert patches.square().mean().sqrt().item() == pytest.approx(tokens.square().mean().sqrt().item(), rel=0.05)
