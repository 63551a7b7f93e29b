"""The hyperparameters of `series-lm`."""

from __future__ import annotations

from dataclasses import dataclass

from shared.errors import InvalidInputError
from shared.modeling.series.spec import SeriesSpec
from svc_train.recipes.hyperparameters import FIELD, Rule, hyperparameter
from svc_train.recipes.training.knobs import AdapterConfig

FULL, LORA = "full", "lora"


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesLMConfig(AdapterConfig):
    """See each field's help; `tiny()` is for tests."""

    max_steps: int = hyperparameter(
        200, Rule(help="Optimiser steps; 0 counts by num_epochs.", unit="steps", low=0, high=1_000_000)
    )
    num_epochs: float = hyperparameter(
        0.0,
        Rule(
            help="How often as many windows are drawn as cover the training rows; 0 counts by max_steps. Where both "
            "are set, whichever is shorter counts.",
            unit="epochs",
            low=0,
            high=100_000,
        ),
    )
    batch_size: int = hyperparameter(
        16, Rule(help="Windows that go through the network at once.", unit="windows", low=1, high=4096)
    )
    learning_rate: float = hyperparameter(2e-3, Rule(help="Highest learning rate, after warm-up.", low=1e-8, high=1))
    limit_train: int = hyperparameter(
        0, Rule(help="Learn from at most so many tracks; 0 takes all.", unit="tracks", low=0)
    )
    limit_eval: int = hyperparameter(
        0, Rule(help="Hold out at most so many tracks; 0 takes all.", unit="tracks", low=0)
    )
    method: str = hyperparameter(
        FULL,
        Rule(
            help="Train all weights (full, which has no use for the lora_ numbers), or low-rank adapters on a frozen "
            "base.",
            choices=(FULL, LORA),
        ),
    )
    window: int = hyperparameter(512, Rule(help="Points the model sees at once.", unit="points", low=8, high=65_536))
    patch: int = hyperparameter(8, Rule(help="Points that become one embedding.", unit="points", low=1, high=1024))
    dropout: float = hyperparameter(
        0.0, Rule(help="Share of the segment head's inputs that each training step ignores.", low=0, high=0.9)
    )
    pos_weight: float = hyperparameter(
        3.0, Rule(help="How much a labelled point counts beside a normal one.", low=0.01, high=1000)
    )
    label_weight: float = hyperparameter(
        0.2, Rule(help="How much the choice of the label counts beside the score.", low=0, high=100)
    )
    segment_share: float = hyperparameter(
        0.5, Rule(help="Share of windows drawn around a labelled segment.", low=0, high=1)
    )
    flip_probability: float = hyperparameter(
        0.0, Rule(help="Share of windows turned back to front in time.", low=0, high=1)
    )
    noise: float = hyperparameter(
        0.0, Rule(help="Random noise added to each window, as a share of its spread.", low=0, high=1)
    )
    threshold: float = hyperparameter(
        0.5, Rule(help="Score from which a row belongs to a segment.", low=0.001, high=0.999)
    )
    eval_fraction: float = hyperparameter(
        0.1, Rule(help="Share of pieces (or of the latest rows) held out for evaluation.", low=0, high=0.9)
    )

    def __post_init__(self) -> None:
        AdapterConfig.__post_init__(self)
        if self.window % self.patch:
            raise InvalidInputError.of(f"{FIELD}.window", f"{self.window} is not a multiple of the patch {self.patch}")

    def spec(self, labels: tuple[str, ...]) -> SeriesSpec:
        """The network these hyperparameters ask for."""
        return SeriesSpec(
            window=self.window,
            patch=self.patch,
            labels=labels,
            threshold=self.threshold,
            stride=max(self.window // 2, 1),
            merge_gap=self.patch,
        )


def tiny() -> SeriesLMConfig:
    """A run of seconds."""
    return SeriesLMConfig(max_steps=6, batch_size=4, warmup_steps=2, window=64, lora_rank=4, lora_alpha=8)
