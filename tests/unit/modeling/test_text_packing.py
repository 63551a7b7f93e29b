from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from shared.modeling.bases import load_base
from shared.modeling.text.network import summed_loss
from shared.modeling.text.packing import IGNORED, make_rows, pack
from shared.modeling.text.template import Encoded

LENGTHS = st.lists(st.integers(1, 40), min_size=1, max_size=60)


def conversation(seed: int, length: int) -> Encoded:
    generator = np.random.default_rng(seed)
    taught = generator.random(length) < 0.6
    taught[-1] = True
    return Encoded(ids=generator.integers(0, 300, length, dtype=np.int32), taught=taught)


@given(LENGTHS)
def test_every_conversation_is_in_one_row_and_no_row_is_too_long(lengths: list[int]):
    rows = pack(lengths, 40)
    assert sorted(index for row in rows for index in row) == list(range(len(lengths)))
    assert all(sum(lengths[index] for index in row) <= 40 for row in rows)
    assert pack(lengths, 40) == rows


@given(LENGTHS)
def test_no_two_rows_would_fit_into_one(lengths: list[int]):
    filled = sorted(sum(lengths[index] for index in row) for row in pack(lengths, 40))
    assert len(filled) == 1 or filled[0] + filled[1] > 40


def test_a_target_is_the_next_token_of_the_same_conversation():
    one = Encoded(ids=np.array([5, 6, 7], dtype=np.int32), taught=np.array([False, True, True]))
    rows = make_rows([(one, one), (one,)])
    assert rows.ids_BT.tolist() == [[5, 6, 7, 5, 6, 7], [5, 6, 7, 0, 0, 0]]
    assert rows.targets_BT.tolist() == [
        [6, 7, IGNORED, 6, 7, IGNORED],
        [6, 7, IGNORED, IGNORED, IGNORED, IGNORED],
    ]
    assert rows.taught == 6
    assert rows.places_BT is not None
    assert rows.places_BT.tolist()[0] == [0, 1, 2, 0, 1, 2]
    assert rows.visible_B1TT is not None
    assert rows.visible_B1TT[0, 0, 4].tolist() == [False, False, False, True, True, False]
    assert rows.visible_B1TT.any(-1).all()


def test_rows_of_one_conversation_need_no_mask():
    rows = make_rows([(conversation(1, 5),), (conversation(2, 9),)])
    assert (rows.places_BT, rows.visible_B1TT) == (None, None)


@pytest.mark.parametrize("attention", ["sdpa", "eager"])
def test_packed_conversations_lose_as_much_as_alone(tiny_base: Path, attention: str):
    model = load_base(tiny_base).model
    model.set_attn_implementation(attention)
    held = [conversation(seed, 7 + 5 * seed) for seed in range(5)]
    with torch.no_grad():
        packed = summed_loss(model, make_rows([tuple(held[:3]), tuple(held[3:])]))
        batched = summed_loss(model, make_rows([(one,) for one in held]))
        alone = sum(summed_loss(model, make_rows([(one,)])) for one in held)
    torch.testing.assert_close(packed, alone, rtol=1e-5, atol=1e-4)
    torch.testing.assert_close(batched, alone, rtol=1e-5, atol=1e-4)


def test_a_packed_conversation_does_not_notice_the_one_before_it(tiny_base: Path):
    model = load_base(tiny_base).model
    last = conversation(9, 12)
    rows = [make_rows([(conversation(seed, 10), last)]) for seed in (1, 2)]
    with torch.no_grad():
        first, second = (
            model(input_ids=r.ids_BT, position_ids=r.places_BT, attention_mask=r.visible_B1TT).logits[0, 10:]
            for r in rows
        )
    assert torch.equal(first, second)
