"""The hyperparameters of `planner-encoder`."""

from __future__ import annotations

from dataclasses import dataclass

from svc_train.recipes.hyperparameters import Rule, hyperparameter
from svc_train.recipes.training.knobs import CommonConfig

FROZEN = "frozen"


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannerEncoderConfig(CommonConfig):
    """See each field's help; `tiny()` is for tests."""

    num_epochs: float = hyperparameter(
        100.0,
        Rule(
            help="Passes over the configurations; 0 counts by max_steps. Where both are set, whichever is shorter "
            "counts.",
            unit="epochs",
            low=0,
            high=100_000,
        ),
    )
    batch_size: int = hyperparameter(
        32, Rule(help="Configurations that go through the network at once.", unit="configurations", low=1, high=4096)
    )
    target_loss: float = hyperparameter(
        0.01, Rule(help="End when the loss of a step is below this; 0 never does.", low=0, high=1000)
    )
    limit_train: int = hyperparameter(
        0, Rule(help="Learn at most so many configurations; 0 takes all.", unit="configurations", low=0)
    )
    limit_eval: int = hyperparameter(
        0, Rule(help="Evaluate on at most so many configurations; 0 takes all.", unit="configurations", low=0)
    )
    method: str = hyperparameter(
        FROZEN, Rule(help="The base stays as it is; the encoder beside it trains.", choices=(FROZEN,))
    )
    jitter: float = hyperparameter(
        0.05, Rule(help="Each number is off by up to this share in each training step.", low=0, high=0.5)
    )


def tiny() -> PlannerEncoderConfig:
    """A run of seconds."""
    return PlannerEncoderConfig(max_steps=6, batch_size=4, warmup_steps=2)
