"""`text-sft` beside a loop written by hand: tokens a second of LoRA steps on the same weights, batches and threads.

The loop is what one would write into a notebook: forward, loss over the answers, backward, clip, AdamW. Equal losses
come first: without them the other figures mean nothing, and the benchmark ends.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import torch
from torch import nn
from transformers import PreTrainedModel

from bench.bases import built_base
from bench.measure import median, print_table, ratios
from shared.contracts.chat import CHAT_FILE, conversation_of
from shared.modeling.corpus import corpus
from shared.modeling.text.packing import IGNORED, Pack, make_rows
from svc_train.recipes.base import BaseSource, Checkpoint, DatasetSource, Progress, TrainingJob
from svc_train.recipes.text_sft.config import TextSftConfig
from svc_train.recipes.text_sft.data import read_data
from svc_train.recipes.text_sft.network import load_network
from svc_train.recipes.text_sft.task import TextTask
from svc_train.recipes.training.knobs import BFLOAT16
from svc_train.recipes.training.loop import Trainer
from svc_train.recipes.training.optimizer import BETAS
from svc_train.recipes.training.sampling import Shuffled
from svc_train.recipes.training.schedule import learning_rate
from svc_train.recipes.training.workers import Workers

CONVERSATIONS = 64
TOLERANCE = 1e-3
CPU = torch.device("cpu")


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """Losses of all steps, and tokens and seconds of all but the first one."""

    losses: Sequence[float]
    tokens: int
    seconds: float

    @property
    def rate(self) -> float:
        """Tokens a second."""
        return self.tokens / self.seconds


def with_upwell(job: TrainingJob, config: TextSftConfig) -> Run:
    """The recipe's own loop, reports included."""
    network, rows = _network(job, config)
    told: list[Progress] = []

    def report(said: Progress | Checkpoint) -> None:
        assert isinstance(said, Progress)
        told.append(said)

    task = TextTask(network=network, config=config, held_out=())
    examples = Shuffled(rows, seed=config.seed)
    workers = Workers(rank=0, size=1, device=CPU)
    Trainer(task=task, examples=examples, config=config, job=job, report=report, workers=workers).train()
    first, last = told[0], told[-1]
    return Run(
        losses=[one.loss for one in told], tokens=last.tokens - first.tokens, seconds=last.elapsed_s - first.elapsed_s
    )


def by_hand(job: TrainingJob, config: TextSftConfig) -> Run:
    """The same steps in plain torch."""
    network, rows = _network(job, config)
    parameters = [parameter for parameter in network.parameters() if parameter.requires_grad]
    optimizer = torch.optim.AdamW(parameters, betas=BETAS, weight_decay=config.weight_decay, fused=True)
    order = Shuffled(rows, seed=config.seed)
    losses, tokens, seconds = [], 0, 0.0
    network.train()
    for step in range(1, config.max_steps + 1):
        began = time.monotonic()
        batch = order.draw(config.batch_size)
        inputs = make_rows(batch)
        optimizer.param_groups[0]["lr"] = learning_rate(step, config.max_steps, config)
        with torch.autocast("cpu", torch.bfloat16, enabled=config.precision == BFLOAT16):
            logits = network(input_ids=inputs.ids_BT, use_cache=False).logits
            loss = nn.functional.cross_entropy(
                logits.flatten(0, 1).float(), inputs.targets_BT.flatten(), ignore_index=IGNORED
            )
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(parameters, config.max_grad_norm)
        optimizer.step()
        losses.append(loss.item())
        if step > 1:
            tokens += sum(len(one) for row in batch for one in row)
            seconds += time.monotonic() - began
    return Run(losses=losses, tokens=tokens, seconds=seconds)


CONTENDERS: dict[str, Callable[[TrainingJob, TextSftConfig], Run]] = {"text-sft": with_upwell, "by hand": by_hand}


def _network(job: TrainingJob, config: TextSftConfig) -> tuple[PreTrainedModel, Sequence[Pack]]:
    torch.manual_seed(config.seed)
    base = load_network(job.needed_base.folder, config, CPU)
    return base.model, read_data(job, config, base.tokenizer).train


def make_job(folder: Path, base: BaseSource, config: TextSftConfig) -> TrainingJob:
    """Conversations of about `max_length` tokens each, and the base."""
    data = folder / "data"
    data.mkdir()
    lines = list(corpus())
    with (data / CHAT_FILE).open("wb") as file:
        for number in range(CONVERSATIONS):
            said = " ".join(lines[(number + i) % len(lines)] for i in range(config.max_length // 12))
            turns = [{"from": "human", "value": f"{number}: {said[:200]}"}, {"from": "gpt", "value": said}]
            file.write(conversation_of({"conversations": turns}, "made here").to_line() + b"\n")
    return TrainingJob(
        hyperparameters={},
        base=base,
        training_set=DatasetSource(name="made-here", digest="d" * 64, folder=data),
        series=(),
        bundle_dir=folder / "bundle",
    )


def measure(job: TrainingJob, config: TextSftConfig, repetitions: int) -> dict[str, list[Run]]:
    """The contenders in turns.

    Raises:
        SystemExit: their losses differ.
    """
    found: dict[str, list[Run]] = {name: [] for name in CONTENDERS}
    for _ in range(repetitions):
        for name, contender in CONTENDERS.items():
            found[name].append(contender(job, config))
        ours, other = (runs[-1].losses for runs in found.values())
        furthest = max(abs(a - b) for a, b in zip(ours, other, strict=True))
        if furthest > TOLERANCE:
            raise SystemExit(f"The losses differ by up to {furthest:.2g}: {ours} and {other}")
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--base", default="tiny-qwen", help="built-in base; smollm2-135m is the one to compare with")
    parser.add_argument("--steps", type=int, default=6, help="the first one warms up and is not counted")
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--length", type=int, default=256, help="tokens of a conversation")
    parser.add_argument("--precision", default="float32", choices=("float32", "bfloat16"))
    parser.add_argument("--repetitions", type=int, default=5)
    arguments = parser.parse_args()
    config = TextSftConfig(
        max_steps=arguments.steps,
        num_epochs=0.0,
        batch_size=arguments.batch,
        max_length=arguments.length,
        precision=arguments.precision,
        packing=False,
        warmup_steps=2,
        eval_fraction=0.0,
    )
    with tempfile.TemporaryDirectory() as folder:
        job = make_job(Path(folder), built_base(arguments.base, Path(folder)), config)
        found = measure(job, config, arguments.repetitions)
    ours = [run.rate for run in found["text-sft"]]
    rows = []
    for name, runs in found.items():
        rates = [run.rate for run in runs]
        rows.append([name, median(rates), min(rates), max(rates), runs[-1].losses[-1], median(ratios(ours, rates))])
    columns = ["LoRA on all linear layers", "tokens/s", "min", "max", "last loss", "ours / this"]
    print_table("Training", columns, rows, vars(arguments) | {"threads": torch.get_num_threads()})


if __name__ == "__main__":
    main()
