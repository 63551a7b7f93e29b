"""What a planner cannot read is told with the id of what was asked, if it has one."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from shared.errors import InvalidInputError
from shared.modeling.planner.spec import PlannerSpec
from shared.modeling.planner.tensors import encode_plans
from shared.planning.values import PlanInput

SPEC = PlannerSpec(window=3, capacity=(1.0, 1.0, 1.0, 1.0), max_tokens=20)


def letters(prompts: list[str], **_options: Any) -> dict[str, list[list[int]]]:
    """In place of the tokenizer: a token a letter."""
    return {"input_ids": [list(range(len(prompt))) for prompt in prompts]}


@pytest.mark.parametrize(("asked_id", "named"), [("", ""), ("a", "'a' ")])
def test_a_message_begins_with_the_id_if_there_is_one(asked_id: str, named: str) -> None:
    short = PlanInput(id=asked_id, task="做", used=np.zeros((2, 4), np.float32))
    with pytest.raises(InvalidInputError, match=f"^used: {named}has a window of 2 times; this model reads 3$"):
        encode_plans([short], SPEC, letters)  # type: ignore[arg-type]
    shorter = PlanInput(id=asked_id, task="做", used=np.zeros((1, 4), np.float32))
    with pytest.raises(InvalidInputError, match=f"^used: {named}has a window of 1 time; this model reads 3$"):
        encode_plans([shorter], SPEC, letters)  # type: ignore[arg-type]
    wordy = PlanInput(id=asked_id, task="做" * 20, used=np.zeros((3, 4), np.float32))
    with pytest.raises(InvalidInputError, match=f"^task: {named}has 26 tokens with its prompt; this model reads 20$"):
        encode_plans([wordy], SPEC, letters)  # type: ignore[arg-type]
