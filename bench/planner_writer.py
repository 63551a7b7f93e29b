"""A language model that writes a plan as JSON, token by token: what it is asked, what it says, which plan that is."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.polynomial import polynomial
from peft.tuners.tuners_utils import BaseTunerLayer

from shared.modeling.bases import load_base
from shared.modeling.bundle import load_tokenizer, read_info
from shared.modeling.precision import base_dtype
from shared.modeling.text.storage import load_model
from shared.modeling.text.template import prompt_ids
from shared.planning.profile import NUMBERS, Floats, Profile
from shared.planning.template import number_text
from shared.planning.values import RESOURCES, PlanInput

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

MOST_TOKENS = 128
SETTINGS = NUMBERS[:-1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Writer:
    """A model and how it is asked.

    Args:
        reads: the tokens it is shown for a task and a state.
    """

    model: PreTrainedModel
    tokenizer: PreTrainedTokenizerBase
    reads: Callable[[PlanInput], list[int]]

    @torch.inference_mode()
    def write(self, asked: PlanInput) -> tuple[str, int]:
        """The text up to the first closing brace, and its tokens; always the likeliest token, keys and values kept."""
        step = torch.tensor([self.reads(asked)], device=self.model.device)
        cache, said = None, list[int]()
        while len(said) < MOST_TOKENS:
            # Of the prompt, too, only the last place's next token is asked for.
            output: Any = self.model(input_ids=step, past_key_values=cache, use_cache=True, logits_to_keep=1)
            cache = output.past_key_values
            said.append(int(output.logits[0, -1].argmax()))
            if "}" in self.tokenizer.decode(said[-1:]) or said[-1] == self.tokenizer.eos_token_id:
                break
            step = torch.tensor([said[-1:]], device=self.model.device)
        return str(self.tokenizer.decode(said, skip_special_tokens=True)), len(said)


def untaught_writer(base_folder: Path, device: str, profile: Profile, capacity: Floats) -> Writer:
    """The base as it is; it is shown the tools and an example."""
    base = load_base(base_folder)

    def reads(asked: PlanInput) -> list[int]:
        ids: list[int] = base.tokenizer(prompt_of(asked, profile, capacity), add_special_tokens=False)["input_ids"]
        return ids

    return Writer(model=as_served(base.model, device), tokenizer=base.tokenizer, reads=reads)


def taught_writer(bundle: Path, base_folder: Path, device: str, capacity: Floats) -> Writer:
    """The base that was taught, its adapters made one with its weights: so it writes fastest."""
    model, tokenizer = load_model(bundle, base_folder, read_info(bundle)), load_tokenizer(bundle)
    for name, layer in list(model.named_modules()):
        if isinstance(layer, BaseTunerLayer):
            layer.merge()
            model.set_submodule(name, layer.get_base_layer())

    def reads(asked: PlanInput) -> list[int]:
        return prompt_ids([{"role": "user", "content": question_of(asked, capacity)}], tokenizer)

    return Writer(model=as_served(model, device), tokenizer=tokenizer, reads=reads)


def as_served(model: PreTrainedModel, device: str) -> PreTrainedModel:
    """The language model on the device, in the numbers that one computes in when it is served with adapters."""
    # The library's wrapper hides the signature of torch's method.
    model.to(device=device, dtype=base_dtype(device))  # type: ignore[call-arg]
    return model


def prompt_of(asked: PlanInput, profile: Profile, capacity: Floats) -> str:
    """What one would ask a language model that has not been taught."""
    tools = "\n".join(f"- {tool.name}: {tool.description}" for tool in profile.tools)
    free = _amounts(capacity - asked.used[-1])
    return (
        f"Tools:\n{tools}\nAnswer with a JSON object for the task and what is free.\n"
        f"Task: Run {profile.tools[0].name} on an input of size {profile.numbers[0, 0]:g}.\n"
        f"Free: {free}\nPlan: {plan_text(profile, 0)}\nTask: {asked.task}\nFree: {free}\nPlan:"
    )


def question_of(asked: PlanInput, capacity: Floats) -> str:
    """What one that is taught is asked: no tools and no configurations, it has to know them.

    It is spared the reading of the window: what is free at the end of it, and one step later if use goes on along its
    least-squares line, is all that the oracle's rule looks at.
    """
    times = len(asked.used)
    line = polynomial.polyfit(np.arange(times), asked.used.astype(np.float64), min(times - 1, 1))
    later = capacity - np.maximum(polynomial.polyval(times, line), 0.0)
    return f"Task: {asked.task}\nFree: {_amounts(capacity - asked.used[-1])}\nFree next: {_amounts(later)}"


def _amounts(free: Floats) -> str:
    return ", ".join(f"{name} {amount:.1f}" for name, amount in zip(RESOURCES, free, strict=True))


def plan_text(profile: Profile, config_id: int) -> str:
    """A plan as JSON."""
    numbers = profile.configuration(config_id)
    tool = json.dumps(profile.tools[int(profile.tool_ids[config_id])].name, ensure_ascii=False)
    return f'{{"tool": {tool}, ' + ", ".join(f'"{name}": {number_text(numbers[name])}' for name in SETTINGS) + "}"


def config_of(text: str, profile: Profile) -> int | None:
    """The config_id of the plan that a text is; None when it is none that exists."""
    try:
        body: Any = json.loads(text.strip())
        tool_id = [tool.name for tool in profile.tools].index(body["tool"])
        wanted = np.array([float(body[name]) for name in SETTINGS])
    except (ValueError, KeyError, TypeError):
        return None
    found = np.flatnonzero((profile.numbers[:, :-1] == wanted).all(axis=1) & (profile.tool_ids == tool_id))
    return int(found[0]) if len(found) else None
