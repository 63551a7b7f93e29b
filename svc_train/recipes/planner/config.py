"""The hyperparameters of `planner`."""

from __future__ import annotations

from dataclasses import dataclass

from shared.modeling.planner.spec import FACTORISED, FLAT, PlannerSpec
from svc_train.recipes.hyperparameters import Rule, hyperparameter
from svc_train.recipes.training.knobs import AdapterConfig

LORA = "lora"
ENCODER, RANDOM = "encoder", "random"
# The planner's adapters are on these layers only.
TARGETS = "q_proj,v_proj"


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannerConfig(AdapterConfig):
    """See each field's help; `tiny()` is for tests."""

    num_epochs: float = hyperparameter(
        10.0,
        Rule(
            help="Passes over the plans; 0 counts by max_steps. Where both are set, whichever is shorter counts.",
            unit="epochs",
            low=0,
            high=100_000,
        ),
    )
    batch_size: int = hyperparameter(
        32, Rule(help="Plans that go through the network at once.", unit="plans", low=1, high=4096)
    )
    limit_train: int = hyperparameter(
        0, Rule(help="Learn from at most so many plans; 0 takes all.", unit="plans", low=0)
    )
    limit_eval: int = hyperparameter(
        0, Rule(help="Evaluate on at most so many plans of the split test; 0 takes all.", unit="plans", low=0)
    )
    method: str = hyperparameter(LORA, Rule(help="Low-rank adapters on a frozen base.", choices=(LORA,)))
    config_head: str = hyperparameter(
        FACTORISED,
        Rule(
            help="Weights for each configuration alone, or for the values they are made of beside them.",
            choices=(FLAT, FACTORISED),
        ),
    )
    init: str = hyperparameter(
        ENCODER,
        Rule(
            help="What the config head begins as: what the parent, a planner-encoder, made of each configuration, or "
            "random numbers. A planner as parent goes on with its own.",
            choices=(ENCODER, RANDOM),
        ),
    )
    config_weight: float = hyperparameter(
        1.0,
        Rule(help="Lambda: how much the choice of the configuration counts beside that of the tool.", low=0, high=100),
    )
    prefix: int = hyperparameter(4, Rule(help="Embeddings that the state becomes.", unit="embeddings", low=1, high=256))
    channels: int = hyperparameter(
        256, Rule(help="Channels of the temporal encoder.", unit="channels", low=1, high=8192)
    )
    bands: int = hyperparameter(
        6, Rule(help="Wavelengths in which a share of a resource is shown beside the number itself.", low=0, high=16)
    )
    max_tokens: int = hyperparameter(
        128, Rule(help="Tokens of the longest task, its prompt included.", unit="tokens", low=8, high=8192)
    )

    def spec(self, *, window: int, capacity: tuple[float, ...]) -> PlannerSpec:
        """The network these hyperparameters ask for."""
        return PlannerSpec(
            window=window,
            capacity=capacity,
            prefix=self.prefix,
            channels=self.channels,
            bands=self.bands,
            config_head=self.config_head,
            max_tokens=self.max_tokens,
        )


def tiny() -> PlannerConfig:
    """A run of seconds."""
    return PlannerConfig(max_steps=6, batch_size=4, warmup_steps=2, lora_rank=4, lora_alpha=8, channels=16, init=RANDOM)
