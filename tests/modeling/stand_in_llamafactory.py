"""Stands in for `llamafactory-cli train CONFIG`: reads what it reads, leaves what it leaves, learns nothing real.

It loads the base with peft, so that the names and shapes of the adapters are those a real run leaves. What it shall do
wrong is said by the environment: STAND_IN_FAULT = crash | nan | no_adapter | other_rank.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import torch
import yaml
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM

LAYERS = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]


def main() -> None:
    command, path = sys.argv[1:]
    assert command == "train"
    config = yaml.safe_load(Path(path).read_text())
    fault = os.environ.get("STAND_IN_FAULT", "")
    rows = _rows(Path(config["dataset_dir"]), config["dataset"])
    sys.stdout.write(f"***** Running training: {len(rows)} examples *****\n")
    assert isinstance(config["learning_rate"], float)
    output = Path(config["output_dir"])
    output.mkdir()
    if fault == "crash":
        sys.exit("ValueError: the template is unknown")
    _steps(output, config["max_steps"], fault)
    if fault != "no_adapter":
        _adapter(output, config, rank=config["lora_rank"] * (2 if fault == "other_rank" else 1))


def _rows(folder: Path, name: str) -> list[dict[str, object]]:
    described = json.loads((folder / "dataset_info.json").read_text())[name]
    rows = [json.loads(line) for line in (folder / described["file_name"]).read_text().splitlines()]
    tags = described["tags"]
    for row in rows:
        said = [turn[tags["role_tag"]] for turn in row[described["columns"]["messages"]]]
        assert said[0] == tags["user_tag"]
        assert said[-1] == tags["assistant_tag"]
    return rows


def _steps(output: Path, steps: int, fault: str) -> None:
    with (output / "trainer_log.jsonl").open("w") as file:
        for step in range(1, steps + 1):
            loss = float("nan") if fault == "nan" and step == 2 else 3.0 / step
            line = {"current_steps": step, "total_steps": steps, "loss": loss, "lr": 1e-3, "total_tokens": 64 * step}
            file.write(json.dumps(line) + "\n")
        file.write(json.dumps({"current_steps": steps, "total_steps": steps, "epoch": 1.0}) + "\n")


def _adapter(output: Path, config: dict[str, object], *, rank: int) -> None:
    torch.manual_seed(3)
    model = AutoModelForCausalLM.from_pretrained(config["model_name_or_path"], dtype=torch.float32)
    adapted = get_peft_model(
        model, LoraConfig(r=rank, lora_alpha=config["lora_alpha"], target_modules=LAYERS, init_lora_weights=False)
    )
    adapted.save_pretrained(output)


if __name__ == "__main__":
    main()
