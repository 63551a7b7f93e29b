"""From fields to questions with true answers, and to a language model that reads fields."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from upwell.cli.output import counted, version_name
from upwell.demo.ocean.names import CHAT, FIELD, TALKER
from upwell.demo.stage import Stage
from upwell.demo.training import ALIAS, publish_training, watch
from upwell.errors import ToolError
from upwell.registry.v1 import registry_service_pb2

BASE = "tiny-qwen"
SAMPLES, STEPS = 400, 60
MARK = "<geoformer>"
QUESTIONS = 2


async def ask_questions(stage: Stage) -> None:
    """Labels that are true by construction."""
    stage.narrator.step(
        "Write questions",
        "ocean-questions draws windows of months and asks about them; every number in an answer is computed from the "
        "fields, and a model has said none of it.",
    )
    job = await stage.label(FIELD, "ocean-questions", output=CHAT, samples=SAMPLES)
    version = await stage.upwell.numbering.dataset(job.output)
    stage.narrator.say(f"{version_name(version.ref)}: {counted(SAMPLES, 'question')} with their fields")


async def train(stage: Stage, forecaster: registry_service_pb2.ModelVersion) -> registry_service_pb2.ModelVersion:
    """A language model in front of the forecaster's encoder."""
    stage.narrator.step(
        "Train a talker",
        "The forecaster's encoder stays as it is; an adapter turns its tokens into embeddings for a language model. "
        "This one is tiny and untaught: it learns the form of an answer here, not its truth.",
    )
    run_id = await publish_training(
        stage,
        {
            "recipe": "ocean-chat",
            "dataset": CHAT,
            "model": TALKER,
            "base": BASE,
            "parent": version_name(forecaster.ref),
            "hyperparameters": {"max_steps": STEPS, "answers": 10},
        },
    )
    return await watch(stage, run_id)


async def converse(stage: Stage) -> None:
    """Questions about months that were held out, answered word by word."""
    stage.narrator.step("Ask", "Held-out questions with their fields; the answers come as they are made.")
    folder = stage.files / "questions"
    await stage.upwell.artifacts.pull(folder, dataset=CHAT)
    for row in _held_out(folder)[:QUESTIONS]:
        question, truth = row["conversations"][-2]["value"], row["conversations"][-1]["value"]
        attached = [(MARK, (folder / name).read_bytes()) for name in row["features"]]
        pieces = stage.upwell.infer.stream(
            f"{TALKER}:{ALIAS}", [("user", question)], max_new_tokens=96, attachments=attached
        )
        stage.narrator.say(f"question: {question}")
        stage.narrator.say("answer:   " + "".join([piece.text async for piece in pieces]))
        stage.narrator.say(f"data:     {truth}")


def _held_out(folder: Path) -> Sequence[dict[str, Any]]:
    rows: list[dict[str, Any]] = json.loads((folder / "geoformer_sft.json").read_text(encoding="utf-8"))
    found = [row for row in rows if str(row.get("id", "")).startswith("test-")]
    if not found:
        raise ToolError(f"{CHAT} holds no question that was held out.")
    return found
