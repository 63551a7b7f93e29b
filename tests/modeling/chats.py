"""Training jobs over small conversations."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from shared.contracts.chat import CHAT_FILE, conversation_of
from svc_train.recipes.base import BaseSource, DatasetSource, TrainingJob
from tests.modeling.samples import BASE_DIGEST

WORDS = ("spike", "drift", "flat line", "level shift", "尖峰", "漂移")


def write_chat(folder: Path, count: int = 24) -> Path:
    """Questions of different lengths whose answers repeat a word of them."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = []
    for number in range(count):
        word = WORDS[number % len(WORDS)]
        turns = [
            {"from": "human", "value": f"Rows {number} to {number + 9} hold a {word}. " * (1 + number % 3)},
            {"from": "gpt", "value": f"It is a {word}."},
        ]
        if number % 4 == 0:
            turns += [{"from": "human", "value": "Sure?"}, {"from": "gpt", "value": "Yes."}]
        rows.append(conversation_of({"conversations": turns}, f"line {number + 1}").to_line())
    (folder / CHAT_FILE).write_bytes(b"\n".join(rows) + b"\n")
    return folder


def chat_job(folder: Path, *, base: Path, base_name: str = "tiny-qwen", **hyperparameters: Any) -> TrainingJob:
    """A job over them."""
    return TrainingJob(
        hyperparameters={
            "max_steps": 6, "num_epochs": 0, "batch_size": 2, "warmup_steps": 2, "learning_rate": 2e-3,
            "precision": "float32", "max_length": 128, "lora_rank": 4, "lora_alpha": 8, **hyperparameters,
        },
        base=BaseSource(name=base_name, digest=BASE_DIGEST, folder=base),
        training_set=DatasetSource(name="questions", digest="e" * 64, folder=write_chat(folder / "training_set")),
        series=(),
        bundle_dir=folder / "output" / "bundle",
    )  # fmt: skip
