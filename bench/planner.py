"""One plan by the planner beside the same base writing the plan as JSON, token by token, as one would do today.

The planner reads task and state and answers in one pass; its configuration is always one of the tool's. The base is
shown the tools, the state in numbers, an example and the task, and writes until its JSON object is closed. What it
writes is valid when it is JSON, names a tool of the profile, and its numbers are those of one of the tool's
configurations. The planner's heads are untrained: how long it takes does not depend on what they have learnt.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import numpy as np
import torch

from bench.measure import median, p99, print_table, ratios
from bench.planner_world import World
from shared.modeling.bases import Base, load_base
from shared.modeling.lora import LoraSpec, add_adapters
from shared.modeling.planner.network import PlannerLM
from shared.modeling.planner.predictor import PlannerPredictor
from shared.modeling.planner.spec import PlannerSpec
from shared.planning.profile import NUMBERS, Profile, read_profile
from shared.planning.values import RESOURCES, PlanInput
from svc_label.labelers.plan_oracle import PlanParameters
from svc_train.recipes.planner.config import TARGETS, PlannerConfig
from svc_train.recipes.planner.data import LabelledPlan, read_data

MOST_TOKENS = 128
SETTINGS = NUMBERS[:-1]


def planner_of(base: Base, profile: Profile, capacity: tuple[float, ...], window: int) -> PlannerPredictor:
    """An untrained planner on the base."""
    spec = PlannerSpec(window=window, capacity=capacity)
    add_adapters(base.decoder, LoraSpec(rank=16, alpha=32, targets=TARGETS))
    network = PlannerLM(base.decoder, profile, spec).eval()
    return PlannerPredictor(
        network=network, tokenizer=base.tokenizer, spec=spec, profile=profile, tokenizer_digest="untrained"
    )


def prompt_of(asked: PlanInput, profile: Profile, capacity: tuple[float, ...]) -> str:
    """What one would ask a language model."""
    tools = "\n".join(f"- {tool.name}: {tool.description}" for tool in profile.tools)
    free = ", ".join(
        f"{name} {amount - used:.1f}" for name, amount, used in zip(RESOURCES, capacity, asked.used[-1], strict=True)
    )
    return (
        f"Tools:\n{tools}\nAnswer with a JSON object for the task and what is free.\n"
        f"Task: Run {profile.tools[0].name} on an input of size {profile.numbers[0, 0]:g}.\n"
        f"Free: {free}\nPlan: {_plan_text(profile, 0)}\nTask: {asked.task}\nFree: {free}\nPlan:"
    )


def _plan_text(profile: Profile, config_id: int) -> str:
    numbers = profile.configuration(config_id)
    tool = profile.tools[int(profile.tool_ids[config_id])].name
    return json.dumps({"tool": tool, **{name: numbers[name] for name in SETTINGS}})


@torch.inference_mode()
def write(base: Base, prompt: str) -> tuple[str, int]:
    """The text up to the first closing brace, and its tokens; always the likeliest token, keys and values kept."""
    step = torch.tensor([base.tokenizer(prompt, add_special_tokens=False)["input_ids"]])
    cache, said = None, list[int]()
    while len(said) < MOST_TOKENS:
        output = base.model(input_ids=step, past_key_values=cache, use_cache=True)
        cache = output.past_key_values
        said.append(int(output.logits[0, -1].argmax()))
        text = str(base.tokenizer.decode(said))
        if "}" in text or said[-1] == base.tokenizer.eos_token_id:
            break
        step = torch.tensor([[said[-1]]])
    return text, len(said)


def is_valid(text: str, profile: Profile) -> bool:
    """Whether the text is a plan that exists."""
    try:
        body: Any = json.loads(text.strip())
        tool_id = [tool.name for tool in profile.tools].index(body["tool"])
        wanted = np.array([float(body[name]) for name in SETTINGS])
    except (ValueError, KeyError, TypeError):
        return False
    same = (profile.numbers[:, :-1] == wanted).all(axis=1)
    return bool((same & (profile.tool_ids == tool_id)).any())


def measure(base_folder: Path, plans: tuple[LabelledPlan, ...], profile: Profile, capacity: tuple[float, ...]) -> None:
    """Both for each plan, one after the other, and the table."""
    writer, base = load_base(base_folder), load_base(base_folder)
    planner = planner_of(base, profile, capacity, len(plans[0].asked.used))
    planner.predict([plans[0].asked])
    ours: list[float] = []
    written: list[float] = []
    right, valid, tokens = 0, 0, list[int]()
    for plan in plans:
        began = time.perf_counter()
        [answer] = planner.predict([plan.asked])
        ours.append(1000 * (time.perf_counter() - began))
        right += is_valid(_plan_text(profile, answer.choice.config_id), profile)
        prompt = prompt_of(plan.asked, profile, capacity)
        began = time.perf_counter()
        text, count = write(writer, prompt)
        written.append(1000 * (time.perf_counter() - began))
        tokens.append(count)
        valid += is_valid(text, profile)
    rows = [
        ["planner, one pass", median(ours), p99(ours), f"{right / len(plans):.0%}", 0],
        ["JSON, token by token", median(written), p99(written), f"{valid / len(plans):.0%}", median(tokens)],
    ]
    notes = {"written / planner": f"{median(ratios(written, ours)):.1f}", "plans": len(plans)}
    columns = ["one plan", "ms", "p99 ms", "valid", "tokens written"]
    print_table("A plan", columns, rows, {**notes, "base": base_folder.name, "threads": torch.get_num_threads()})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--base", default="tiny-qwen", help="built-in base; smollm2-135m is the one to compare with")
    parser.add_argument("--plans", type=int, default=20)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        world = World(folder=Path(folder), base=arguments.base)
        source = world.plans(PlanParameters(samples=10 * arguments.plans, language="en"))
        job = world.job("none", source, {})
        data = read_data(job, PlannerConfig(limit_eval=arguments.plans))
        capacity = tuple(data.demand.capacity.tolist())
        measure(world.base_source().folder, data.held_out, read_profile(source.folder), capacity)


if __name__ == "__main__":
    main()
