"""The hyperparameters of `text-sft`."""

from __future__ import annotations

from dataclasses import dataclass

from shared.errors import InvalidInputError
from svc_train.recipes.hyperparameters import FIELD, Rule, hyperparameter
from svc_train.recipes.training.knobs import BFLOAT16, FLOAT32, CommonConfig

FULL, LORA, QLORA = "full", "lora", "qlora"
ALL_LINEAR = "all-linear"
UPWELL, LLAMAFACTORY = "upwell", "llamafactory"


@dataclass(frozen=True, slots=True, kw_only=True)
class TextSftConfig(CommonConfig):
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
    precision: str = hyperparameter(
        BFLOAT16,
        Rule(
            help="Numbers that matrices are multiplied in; weights and their optimiser stay float32.",
            choices=(FLOAT32, BFLOAT16),
        ),
    )
    limit_train: int = hyperparameter(
        0, Rule(help="Learn from at most so many conversations; 0 takes all.", unit="conversations", low=0)
    )
    limit_eval: int = hyperparameter(
        0, Rule(help="Hold out at most so many conversations; 0 takes all.", unit="conversations", low=0)
    )
    method: str = hyperparameter(
        LORA,
        Rule(
            help="Train low-rank adapters on a frozen base, on one in 4 bits (needs a CUDA device), or all weights.",
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
    lora_rank: int = hyperparameter(16, Rule(help="Rank of the adapters (not full).", low=1, high=1024))
    lora_alpha: int = hyperparameter(32, Rule(help="Adapters count alpha / rank (not full).", low=1, high=4096))
    lora_dropout: float = hyperparameter(
        0.0, Rule(help="Share of the adapters' inputs that each training step ignores (not full).", low=0, high=0.9)
    )
    lora_targets: str = hyperparameter(
        ALL_LINEAR,
        Rule(help="Layers that get adapters (not full): all-linear, or ends of names, such as q_proj,v_proj."),
    )
    eval_fraction: float = hyperparameter(
        0.1, Rule(help="Share of conversations held out for evaluation.", low=0, high=0.9)
    )

    def __post_init__(self) -> None:
        CommonConfig.__post_init__(self)
        names = self.lora_targets.split(",")
        if self.lora_targets != ALL_LINEAR and not all(name.replace(".", "_").isidentifier() for name in names):
            reason = f"{self.lora_targets!r} is neither {ALL_LINEAR!r} nor names with commas between: q_proj,v_proj"
            raise InvalidInputError.of(f"{FIELD}.lora_targets", reason)


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
