"""What of a profile can be read back from its embeddings: the report that goes into the bundle."""

# ruff: noqa: N806 - names end in their shape, in capitals

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from shared.modeling.planner_encoder.tensors import said
from shared.planning.profile import NUMBERS
from shared.planning.template import descriptions, number_text
from svc_train.recipes.planner_encoder.task import EncoderTask

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

TOOL = "tool"
EXAMPLES = 5


def reconstruction(task: EncoderTask, tokenizer: PreTrainedTokenizerBase) -> dict[str, Any]:
    """JSON values: how many descriptions are regenerated exactly, in all, by tool, and how often each part is right.

    A part is right when every token of it is the one the model would say after the right tokens before it.
    """
    profile = task.profile
    texts = descriptions(profile, task.held)
    exact, parts, by_tool, missed = 0, Counter[str](), Counter[str](), list[dict[str, Any]]()
    place = 0
    for batch, logits_BLV in task.look():
        likeliest_BL = logits_BLV.argmax(-1)
        for row, is_said_L in enumerate(said(logits_BLV, batch.targets_BL).tolist()):
            config_id, text = task.held[place], texts[place]
            place += 1
            parts.update(_right_parts(task, config_id, text, is_said_L, tokenizer))
            tool = profile.tools[int(profile.tool_ids[config_id])].name
            if all(is_said_L):
                exact += 1
                by_tool[tool] += 1
            elif len(missed) < EXAMPLES:
                length = len(task.rows[config_id]) - 1
                told = tokenizer.decode(likeliest_BL[row, :length].tolist())
                missed.append({"config_id": config_id, "wanted": text, "said": told})
    checked = len(task.held)
    return {
        "configurations": len(profile.numbers),
        "checked": checked,
        "exact": exact,
        "exact_share": exact / checked,
        "exact_by_tool": {tool.name: by_tool[tool.name] for tool in profile.tools},
        "right_share_by_part": {name: parts[name] / checked for name in (TOOL, *NUMBERS)},
        "missed": missed,
    }


def _right_parts(
    task: EncoderTask, config_id: int, text: str, is_said: Sequence[bool], tokenizer: PreTrainedTokenizerBase
) -> list[str]:
    """The parts of a description whose tokens are all said."""
    offsets = tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)["offset_mapping"]
    right, begin = [], 0
    for name, value in _parts(task, config_id):
        start = text.index(value, begin)
        begin = start + len(value)
        places = [i for i, (first, last) in enumerate(offsets) if first < begin and last > start]
        if all(is_said[i] for i in places):
            right.append(name)
    return right


def _parts(task: EncoderTask, config_id: int) -> list[tuple[str, str]]:
    """Name and text of each part in the order of the template."""
    profile = task.profile
    numbers = profile.configuration(config_id)
    tool = profile.tools[int(profile.tool_ids[config_id])].name
    return [(TOOL, tool), *((name, number_text(numbers[name])) for name in NUMBERS)]
