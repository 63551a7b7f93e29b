"""What is served: whatever the network says, the plan is for one tool and one size, and it fits where any does."""

# ruff: noqa: N806 - names end in their shape, in capitals

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from shared.modeling.planner.network import PlanLogits
from shared.modeling.planner.predictor import PlannerPredictor
from shared.modeling.planner.spec import PlannerSpec
from shared.planning.oracle import room
from shared.planning.profile import Profile
from shared.planning.values import PlanInput
from tests.unit.shared.planning.profiles import profile_of

WINDOW = 3
CAPACITY = (4.0, 4.0, 4.0, 4.0)
# Ties are common; probabilities of logits that lie further apart would round to ties as well.
LOGITS = st.integers(-100, 100).map(float)


class SaysThat:
    """In place of the network: says what it was made to say."""

    decoder = SimpleNamespace(device="cpu")

    def __init__(self, logits: PlanLogits) -> None:
        self.logits = logits

    def __call__(self, batch: Any) -> PlanLogits:
        assert len(batch.last_B) == len(self.logits.tool_BG)
        return self.logits


def one_token(prompts: list[str], **_options: Any) -> dict[str, list[list[int]]]:
    """In place of the tokenizer."""
    return {"input_ids": [[1]] * len(prompts)}


@st.composite
def profiles(draw: st.DrawFn) -> Profile:
    """Tables in any order, where every tool has one configuration at least, often several for the same size."""
    tools = draw(st.integers(1, 4))
    tool_ids = draw(st.permutations([*range(tools), *draw(st.lists(st.integers(0, tools - 1), max_size=16))]))
    needs = st.lists(st.sampled_from([0.0, 1.0, 3.0, 5.0]), min_size=4, max_size=4)
    return profile_of([(one, [draw(st.sampled_from([1.0, 2.0])), *draw(needs), 1.0]) for one in tool_ids], tools)


@st.composite
def asked_and_said(draw: st.DrawFn) -> tuple[Profile, list[PlanInput], PlanLogits]:
    profile = draw(profiles())
    plans = draw(st.integers(1, 3))
    amounts = arrays(np.float32, (WINDOW, 4), elements=st.sampled_from([0.0, 0.5, 2.0, 4.0]))
    asked = [PlanInput(id=str(number), task="做", used=draw(amounts)) for number in range(plans)]
    tool_BG, config_BN = (
        torch.from_numpy(draw(arrays(np.float32, (plans, width), elements=LOGITS)))
        for width in (len(profile.tools), len(profile.tool_ids))
    )
    return profile, asked, PlanLogits(tool_BG=tool_BG, config_BN=config_BN)


@settings(max_examples=150, deadline=None)
@given(asked_and_said())
def test_a_plan_is_of_the_likeliest_tool_for_one_size_and_fits_where_any_does(
    case: tuple[Profile, list[PlanInput], PlanLogits],
):
    profile, asked, logits = case
    predictor = PlannerPredictor(
        network=SaysThat(logits),  # type: ignore[arg-type]
        tokenizer=one_token,  # type: ignore[arg-type]
        spec=PlannerSpec(window=WINDOW, capacity=CAPACITY),
        profile=profile,
        tokenizer_digest="",
    )
    for one, answer, tool_G, config_N in zip(
        asked, predictor.predict(asked), logits.tool_BG.numpy(), logits.config_BN.numpy(), strict=True
    ):
        choice, tool_id = answer.choice, int(tool_G.argmax())
        assert (answer.id, choice.tool_id, choice.tool) == (one.id, tool_id, profile.tools[tool_id].name)
        assert profile.tool_ids[choice.config_id] == tool_id
        assert choice.configuration == profile.configuration(choice.config_id)
        own = profile.tool_ids == tool_id
        size = profile.input_sizes[np.where(own, config_N, -np.inf).argmax()]
        job = own & (profile.input_sizes == size)
        assert job[choice.config_id]
        fits = (profile.needs <= room(one.used, np.array(CAPACITY))).all(axis=1)
        assert answer.feasible == (job & fits).any() == fits[choice.config_id]
        if answer.feasible:
            assert config_N[choice.config_id] == config_N[job & fits].max()
        else:
            assert tuple(profile.needs[choice.config_id]) == min(tuple(needs) for needs in profile.needs[job])
        others = fits & (np.arange(len(fits)) != choice.config_id)
        if answer.runner_up is None:
            assert not others.any()
        else:
            second = answer.runner_up.config_id
            assert others[second]
            assert profile.tool_ids[second] == answer.runner_up.tool_id
            assert job[second] or not (job & others).any()
