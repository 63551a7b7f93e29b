"""What LLaMA-Factory reads: a configuration, the list of its data sets, and one data set in chat messages."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml

from shared.contracts.chat import Conversation
from svc_train.recipes.conversations.config import ALL_LINEAR
from svc_train.recipes.text_sft.config import QLORA, TextSftConfig
from svc_train.recipes.training.knobs import BFLOAT16, CONSTANT

DATASET = "chat"
DATASET_FILE = f"{DATASET}.jsonl"
CONFIG_FILE = "train.yaml"
OUTPUT_FOLDER = "output"
# How it calls what we call constant, once the warm-up is over.
SCHEDULES = {CONSTANT: "constant_with_warmup"}


def write_files(
    folder: Path, *, base: Path, config: TextSftConfig, conversations: Iterable[Conversation], device: str
) -> Path:
    """Write all three into the folder; the configuration's path."""
    folder.mkdir(parents=True)
    with (folder / DATASET_FILE).open("w", encoding="utf-8") as file:
        for one in conversations:
            file.write(json.dumps({"messages": one.messages}, ensure_ascii=False) + "\n")
    (folder / "dataset_info.json").write_text(json.dumps({DATASET: _described()}, indent=1))
    path = folder / CONFIG_FILE
    # YAML 1.1 takes 1e-05 for text; its own writer knows that.
    path.write_text(yaml.safe_dump(configuration(folder, base=base, config=config, device=device), sort_keys=False))
    return path


def configuration(folder: Path, *, base: Path, config: TextSftConfig, device: str) -> dict[str, Any]:
    """The run in LLaMA-Factory's words. No template is named, so that it takes the tokenizer's own, as serving does."""
    return {
        "model_name_or_path": str(base),
        "trust_remote_code": False,
        "stage": "sft",
        "do_train": True,
        "finetuning_type": "lora",
        "lora_rank": config.lora_rank,
        "lora_alpha": config.lora_alpha,
        "lora_dropout": config.lora_dropout,
        "lora_target": "all" if config.lora_targets == ALL_LINEAR else config.lora_targets,
        "dataset": DATASET,
        "dataset_dir": str(folder),
        "cutoff_len": config.max_length,
        "packing": config.packing,
        "neat_packing": config.packing,
        "output_dir": str(folder / OUTPUT_FOLDER),
        "logging_steps": 1,
        "save_strategy": "no",
        "report_to": "none",
        "include_num_input_tokens_seen": True,
        "per_device_train_batch_size": config.batch_size,
        "gradient_accumulation_steps": config.gradient_accumulation,
        "learning_rate": config.learning_rate,
        "lr_scheduler_type": SCHEDULES.get(config.schedule, config.schedule),
        "warmup_steps": config.warmup_steps,
        "weight_decay": config.weight_decay,
        "max_grad_norm": config.max_grad_norm,
        "seed": config.seed,
        "bf16": config.precision == BFLOAT16,
        "use_cpu": device == "cpu",
        "disable_gradient_checkpointing": not config.gradient_checkpointing,
        **_length(config),
        **({"quantization_bit": 4} if config.method == QLORA else {}),
    }


def _length(config: TextSftConfig) -> dict[str, float]:
    steps = 1 if config.smoke else config.max_steps
    # With both it goes by the steps alone; ours takes whichever is shorter, so only one is ever passed on.
    return {"max_steps": steps} if steps else {"num_train_epochs": config.num_epochs}


def _described() -> Mapping[str, Any]:
    return {
        "file_name": DATASET_FILE,
        "formatting": "sharegpt",
        "columns": {"messages": "messages"},
        "tags": {
            "role_tag": "role",
            "content_tag": "content",
            "user_tag": "user",
            "assistant_tag": "assistant",
            "system_tag": "system",
        },
    }
