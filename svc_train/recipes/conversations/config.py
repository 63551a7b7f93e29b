"""The hyperparameters of every recipe that teaches a language model conversations. Loads no torch."""

from __future__ import annotations

from dataclasses import dataclass

from shared.errors import InvalidInputError
from svc_train.recipes.hyperparameters import FIELD, Rule, hyperparameter
from svc_train.recipes.training.knobs import BFLOAT16, FLOAT32, AdapterConfig

ALL_LINEAR = "all-linear"


@dataclass(frozen=True, slots=True, kw_only=True)
class ConversationConfig(AdapterConfig):
    """As `AdapterConfig`; the layers that get adapters are chosen."""

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
    lora_targets: str = hyperparameter(
        ALL_LINEAR, Rule(help="Layers that get adapters: all-linear, or ends of names, such as q_proj,v_proj.")
    )

    def __post_init__(self) -> None:
        AdapterConfig.__post_init__(self)
        names = self.lora_targets.split(",")
        if self.lora_targets != ALL_LINEAR and not all(name.replace(".", "_").isidentifier() for name in names):
            reason = f"{self.lora_targets!r} is neither {ALL_LINEAR!r} nor names with commas between: q_proj,v_proj"
            raise InvalidInputError.of(f"{FIELD}.lora_targets", reason)
