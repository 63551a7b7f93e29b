"""The hyperparameters that every recipe has, and those of adapters. Loads no torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from shared.errors import InvalidInputError
from svc_train.recipes.hyperparameters import FIELD, Rule, hyperparameter, resolved

COSINE, LINEAR, CONSTANT = "cosine", "linear", "constant"
FLOAT32, BFLOAT16 = "float32", "bfloat16"

# What may differ between a checkpoint and the attempt that goes on from it: neither the order of the examples nor the
# numbers depend on these. Of `batch_size` and `gradient_accumulation` only the product counts.
FREE = frozenset(
    {
        "batch_size",
        "checkpoint_seconds",
        "checkpoint_steps",
        "gradient_accumulation",
        "gradient_checkpointing",
        "keep_best",
        "keep_last",
        "target_loss",
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class CommonConfig:
    """A recipe's config inherits these and declares again what it wants another default, unit or help for."""

    max_steps: int = hyperparameter(
        0, Rule(help="Optimiser steps; 0 counts by num_epochs.", unit="steps", low=0, high=10_000_000)
    )
    num_epochs: float = hyperparameter(
        1.0,
        Rule(
            help="Passes over the examples; 0 counts by max_steps. Where both are set, whichever is shorter counts.",
            unit="epochs",
            low=0,
            high=100_000,
        ),
    )
    batch_size: int = hyperparameter(
        16, Rule(help="Examples that go through the network at once.", unit="examples", low=1, high=4096)
    )
    gradient_accumulation: int = hyperparameter(
        1, Rule(help="Batches whose gradients make one optimiser step.", unit="batches", low=1, high=4096)
    )
    learning_rate: float = hyperparameter(1e-3, Rule(help="Highest learning rate, after warm-up.", low=1e-8, high=1))
    schedule: str = hyperparameter(
        COSINE,
        Rule(
            help="How the learning rate falls after warm-up, down to a tenth; constant keeps it.",
            choices=(COSINE, LINEAR, CONSTANT),
        ),
    )
    warmup_steps: int = hyperparameter(
        20, Rule(help="Steps over which the learning rate rises.", unit="steps", low=0, high=10_000_000)
    )
    weight_decay: float = hyperparameter(0.01, Rule(help="AdamW's decoupled decay of matrices.", low=0, high=1))
    max_grad_norm: float = hyperparameter(1.0, Rule(help="Longer gradients are cut to this length.", low=1e-6))
    precision: str = hyperparameter(
        FLOAT32,
        Rule(
            help="Numbers that matrices are multiplied in; weights and their optimiser stay float32.",
            choices=(FLOAT32, BFLOAT16),
        ),
    )
    seed: int = hyperparameter(0, Rule(help="Decides every random choice of the run.", low=0, high=2**31 - 1))
    limit_train: int = hyperparameter(
        0, Rule(help="Learn from at most so many examples; 0 takes all.", unit="examples", low=0)
    )
    limit_eval: int = hyperparameter(
        0, Rule(help="Hold out at most so many examples; 0 takes all.", unit="examples", low=0)
    )
    eval_steps: int = hyperparameter(
        0, Rule(help="Evaluate every so many steps; 0 evaluates at the end only.", unit="steps", low=0)
    )
    target_loss: float = hyperparameter(
        0.0, Rule(help="End when the loss of a step is below this; 0 never does.", low=0, high=1000)
    )
    early_stopping_patience: int = hyperparameter(
        0, Rule(help="End after so many evaluations without a better one; 0 never does.", unit="evaluations", low=0)
    )
    checkpoint_steps: int = hyperparameter(
        0, Rule(help="Leave a checkpoint every so many steps; 0 goes by checkpoint_seconds.", unit="steps", low=0)
    )
    checkpoint_seconds: float = hyperparameter(
        120.0, Rule(help="Leave a checkpoint every so many seconds; 0 leaves none by time.", unit="seconds", low=0)
    )
    keep_last: int = hyperparameter(
        2, Rule(help="Newest checkpoints that are kept.", unit="checkpoints", low=1, high=1000)
    )
    keep_best: int = hyperparameter(
        1, Rule(help="Best checkpoints that are kept beside the newest.", unit="checkpoints", low=0, high=1000)
    )
    smoke: bool = hyperparameter(
        False, Rule(help="Try everything once: one step, evaluated before and after it, and a real bundle.")
    )

    def __post_init__(self) -> None:
        if not self.max_steps and not self.num_epochs:
            raise InvalidInputError.of(f"{FIELD}.max_steps", "0, and num_epochs is 0 too: one of them has to be set")
        if self.early_stopping_patience and not self.eval_steps:
            raise InvalidInputError.of(
                f"{FIELD}.early_stopping_patience",
                f"{self.early_stopping_patience} evaluations, but eval_steps is 0: there is one, at the end",
            )

    @property
    def examples_per_step(self) -> int:
        """Examples behind one optimiser step, over all workers."""
        return self.batch_size * self.gradient_accumulation


@dataclass(frozen=True, slots=True, kw_only=True)
class AdapterConfig(CommonConfig):
    """As `CommonConfig`, with adapters (LoRA) in the base."""

    lora_rank: int = hyperparameter(16, Rule(help="Rank of the adapters.", low=1, high=1024))
    lora_alpha: int = hyperparameter(32, Rule(help="Adapters count alpha / rank.", low=1, high=4096))
    lora_dropout: float = hyperparameter(
        0.0, Rule(help="Share of the adapters' inputs that each training step ignores.", low=0, high=0.9)
    )


def decisive(config: CommonConfig) -> dict[str, Any]:
    """The hyperparameters that a checkpoint and the attempt that goes on from it must agree in."""
    kept = {name: value for name, value in resolved(config).items() if name not in FREE}
    return {**kept, "batch_size x gradient_accumulation": config.examples_per_step}
