"""The hyperparameters of `text-sft`."""

from __future__ import annotations

from dataclasses import dataclass

from svc_train.recipes.conversations.config import ConversationConfig
from svc_train.recipes.hyperparameters import Rule, hyperparameter
from svc_train.recipes.training.knobs import FLOAT32

FULL, LORA, QLORA = "full", "lora", "qlora"
UPWELL, LLAMAFACTORY = "upwell", "llamafactory"


@dataclass(frozen=True, slots=True, kw_only=True)
class TextSftConfig(ConversationConfig):
    """See each field's help; `tiny()` is for tests."""

    batch_size: int = hyperparameter(
        4, Rule(help="Rows that go through the network at once.", unit="rows", low=1, high=4096)
    )
    learning_rate: float = hyperparameter(
        2e-4, Rule(help="Highest learning rate, after warm-up; take a tenth of it for full.", low=1e-8, high=1)
    )
    warmup_steps: int = hyperparameter(
        10, Rule(help="Steps over which the learning rate rises.", unit="steps", low=0, high=10_000_000)
    )
    method: str = hyperparameter(
        LORA,
        Rule(
            help="Train low-rank adapters on a frozen base, on one in 4 bits (needs a CUDA device), or all weights "
            "(full, which has no use for the lora_ numbers).",
            choices=(LORA, QLORA, FULL),
        ),
    )
    engine: str = hyperparameter(
        UPWELL,
        Rule(
            help="What trains: our own loop, or the LLaMA-Factory that the server is configured with (adapters only).",
            choices=(UPWELL, LLAMAFACTORY),
        ),
    )
    max_length: int = hyperparameter(
        1024,
        Rule(help="Tokens of a row; longer conversations are cut at their end.", unit="tokens", low=8, high=1_048_576),
    )
    packing: bool = hyperparameter(
        True, Rule(help="Put several conversations into one row, where none sees another: fewer empty places.")
    )
    gradient_checkpointing: bool = hyperparameter(
        False, Rule(help="Compute layers again instead of keeping what they gave: less memory, more time.")
    )
    eval_fraction: float = hyperparameter(
        0.1, Rule(help="Share of conversations held out for evaluation.", low=0, high=0.9)
    )


def tiny() -> TextSftConfig:
    """A run of seconds."""
    return TextSftConfig(
        max_steps=6,
        num_epochs=0.0,
        batch_size=2,
        warmup_steps=2,
        learning_rate=2e-3,
        precision=FLOAT32,
        max_length=128,
        lora_rank=4,
        lora_alpha=8,
    )
