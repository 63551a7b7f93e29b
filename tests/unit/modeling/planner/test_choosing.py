"""Whatever the network says, the configuration belongs to the tool."""

# ruff: noqa: N806 - names end in their shape, in capitals

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from shared.modeling.planner.choosing import best_configs, likeliest, margin, probabilities
from shared.modeling.planner.network import PlanLogits

FINITE = st.floats(-1e6, 1e6, width=32)


@st.composite
def said(draw: st.DrawFn) -> tuple[PlanLogits, torch.Tensor]:
    """Random logits over random tables: every tool has one configuration at least, in any order."""
    tools = draw(st.integers(1, 6))
    others = draw(st.lists(st.integers(0, tools - 1), max_size=30))
    tool_of = draw(st.permutations([*range(tools), *others]))
    plans = draw(st.integers(1, 4))
    logits = PlanLogits(
        tool_BG=torch.from_numpy(draw(arrays(np.float32, (plans, tools), elements=FINITE))),
        config_BN=torch.from_numpy(draw(arrays(np.float32, (plans, len(tool_of)), elements=FINITE))),
    )
    return logits, torch.tensor(tool_of)


@settings(max_examples=150, deadline=None)
@given(said())
def test_the_configuration_always_belongs_to_the_likeliest_tool(case: tuple[PlanLogits, torch.Tensor]):
    logits, tool_of_N = case
    best_B = best_configs(logits, tool_of_N)
    assert torch.equal(tool_of_N[best_B], logits.tool_BG.argmax(-1))
    chances_BN = probabilities(logits, tool_of_N)
    assert chances_BN.sum(-1).tolist() == pytest.approx([1.0] * len(best_B))
    for best, chances_N, configs_N in zip(best_B.tolist(), chances_BN, logits.config_BN, strict=True):
        own_N = tool_of_N == tool_of_N[best]
        assert configs_N[best] == configs_N[own_N].max()
        found = likeliest(chances_N, own_N)
        assert found is not None
        assert own_N[found]


def test_a_probability_is_that_of_the_tool_times_that_among_its_configurations():
    tool_BG, config_BN = torch.randn(3, 4), torch.randn(3, 12) * 300
    tool_of_N = torch.arange(12) % 4
    chances_BN = probabilities(PlanLogits(tool_BG=tool_BG, config_BN=config_BN), tool_of_N)
    for tool_id in range(4):
        own_N = tool_of_N == tool_id
        wanted_BN = tool_BG.double().softmax(-1)[:, [tool_id]] * config_BN[:, own_N].double().softmax(-1)
        torch.testing.assert_close(chances_BN[:, own_N], wanted_BN)


def test_the_tool_is_chosen_first_and_the_margin_is_the_closest_call():
    logits = PlanLogits(tool_BG=torch.tensor([[0.1, 0.0]]), config_BN=torch.tensor([[9.0, 8.0, 50.0]]))
    tool_of_N = torch.tensor([0, 0, 1])
    assert best_configs(logits, tool_of_N).tolist() == [0]
    chances_N = probabilities(logits, tool_of_N)[0]
    # Another tool's only configuration is likelier than any of two.
    assert chances_N.argmax() == 2
    tools = torch.tensor([0.1, 0.0]).double().softmax(-1)
    assert margin(logits, chances_N, torch.tensor([True, True, False])) == pytest.approx(float(tools[0] - tools[1]))
    assert likeliest(chances_N, torch.tensor([False, True, False])) == 1
    assert likeliest(chances_N, torch.tensor([False, False, False])) is None
