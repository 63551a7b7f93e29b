"""The hyperparameters of `geoformer`."""

from __future__ import annotations

from dataclasses import dataclass

from shared.errors import InvalidInputError
from shared.fields.months import is_month
from shared.modeling.geoformer.spec import LIM, NONE, SEASONAL
from svc_train.recipes.hyperparameters import FIELD, Rule, hyperparameter
from svc_train.recipes.training.knobs import CommonConfig


@dataclass(frozen=True, slots=True, kw_only=True)
class GeoformerConfig(CommonConfig):
    """See each field's help; `tiny()` is for tests."""

    max_steps: int = hyperparameter(
        40, Rule(help="Optimiser steps; 0 counts by num_epochs.", unit="steps", low=0, high=10_000_000)
    )
    num_epochs: float = hyperparameter(
        0.0,
        Rule(
            help="Passes over the windows; 0 counts by max_steps. Where both are set, whichever is shorter counts.",
            unit="epochs",
            low=0,
            high=100_000,
        ),
    )
    batch_size: int = hyperparameter(
        16, Rule(help="Windows that go through the networks at once.", unit="windows", low=1, high=4096)
    )
    learning_rate: float = hyperparameter(5e-4, Rule(help="Highest learning rate, after warm-up.", low=1e-8, high=1))
    warmup_steps: int = hyperparameter(
        10, Rule(help="Steps over which the learning rate rises.", unit="steps", low=0, high=10_000_000)
    )
    weight_decay: float = hyperparameter(0.3, Rule(help="AdamW's decoupled decay of matrices.", low=0, high=1))
    limit_train: int = hyperparameter(
        0, Rule(help="Learn from at most so many windows; 0 takes all.", unit="windows", low=0)
    )
    limit_eval: int = hyperparameter(
        0, Rule(help="Forecast at most so many windows of the test period; 0 takes all.", unit="windows", low=0)
    )
    channels: str = hyperparameter("", Rule(help="Channels to learn from, with commas between; empty takes all."))
    train_end: str = hyperparameter(
        "",
        Rule(
            help="Last month to learn from, such as 2004-12; empty ends where the test period begins. At the "
            "data's last month nothing is scored.",
        ),
    )
    test_start: str = hyperparameter(
        "", Rule(help="First month whose forecast is scored, such as 2005-01; empty takes the last fifth.")
    )
    test_end: str = hyperparameter(
        "", Rule(help="Last month that is scored; what comes behind it is learnt from. Empty scores to the end.")
    )
    history: int = hyperparameter(12, Rule(help="Months a forecast is made from.", unit="months", low=1, high=120))
    horizon: int = hyperparameter(12, Rule(help="Months to forecast.", unit="months", low=1, high=60))
    patch_rows: int = hyperparameter(3, Rule(help="Rows of the grid in a patch.", low=1, high=180))
    patch_columns: int = hyperparameter(7, Rule(help="Columns of the grid in a patch.", low=1, high=360))
    d_model: int = hyperparameter(32, Rule(help="Size of a token.", low=4, high=4096))
    heads: int = hyperparameter(4, Rule(help="Attention heads; twice their number divides d_model.", low=1, high=64))
    encoder_layers: int = hyperparameter(1, Rule(help="Layers that read the history.", low=1, high=48))
    decoder_layers: int = hyperparameter(1, Rule(help="Layers that write the forecast.", low=1, high=48))
    members: int = hyperparameter(1, Rule(help="Networks trained side by side; their mean is the forecast.", low=1))
    dropout: float = hyperparameter(
        0.4, Rule(help="Share of what the networks hear that each training step ignores.", low=0, high=0.9)
    )
    noise: float = hyperparameter(
        0.3, Rule(help="Random noise added to each history, as a share of a channel's spread.", low=0, high=10)
    )
    drop_months: float = hyperparameter(
        0.0, Rule(help="Share of the months of each history that are hidden, never the last.", low=0, high=0.9)
    )
    drop_channels: float = hyperparameter(
        0.0, Rule(help="Share of the channels of each history that are hidden, never sst.", low=0, high=0.9)
    )
    index_weight: float = hyperparameter(
        1.0, Rule(help="How much the error of Nino3.4 counts beside that of the fields.", low=0, high=1000)
    )
    forcing: float = hyperparameter(
        0.5,
        Rule(help="Share of months at which the decoder goes on from the true one, at the first step.", low=0, high=1),
    )
    forcing_ends: float = hyperparameter(
        0.5,
        Rule(help="Share of the training after which the decoder always goes on from its own months.", low=0, high=1),
    )
    residual: str = hyperparameter(
        SEASONAL,
        Rule(
            help="What the networks correct: a linear inverse model, a linear one with seasons and memory, or nothing.",
            choices=(LIM, SEASONAL, NONE),
        ),
    )
    lim_modes: int = hyperparameter(
        0,
        Rule(help="Patterns of the linear inverse model; 0 takes what forecasts left-out years best.", low=0, high=500),
    )
    lim_lag: int = hyperparameter(
        1, Rule(help="Months between the pairs it is fitted to; chosen with lim_modes where that is 0.", low=1, high=12)
    )
    seasonal_modes: int = hyperparameter(
        10, Rule(help="Patterns of the linear model with seasons and memory.", low=1, high=500)
    )
    seasonal_ridge: float = hyperparameter(
        0.03, Rule(help="How much its weights are kept small, beside the first pattern's power.", low=0, high=1000)
    )
    lim_folds: int = hyperparameter(
        6,
        Rule(
            help="Parts of the training period, each corrected from a linear model that has not seen it.",
            unit="parts",
            low=2,
            high=60,
        ),
    )

    def __post_init__(self) -> None:
        CommonConfig.__post_init__(self)
        for name in ("train_end", "test_start", "test_end"):
            month = getattr(self, name)
            if month and not is_month(month):
                raise InvalidInputError.of(f"{FIELD}.{name}", f"{month!r} is no month such as 2004-12")
        if self.test_end and (not self.test_start or self.test_end < self.test_start):
            reason = (
                f"{self.test_end} is no end for the test period that begins at {self.test_start or 'no given month'}"
            )
            raise InvalidInputError.of(f"{FIELD}.test_end", reason)
        if self.train_end and not self.test_end and self.test_start and self.train_end >= self.test_start:
            reason = f"{self.train_end} is not before test_start {self.test_start}: what is scored must not be learnt"
            raise InvalidInputError.of(f"{FIELD}.train_end", reason)
        if self.d_model % (2 * self.heads):
            reason = f"{self.d_model} is not a multiple of twice the {self.heads} heads"
            raise InvalidInputError.of(f"{FIELD}.d_model", reason)


def tiny() -> GeoformerConfig:
    """A run of seconds."""
    return GeoformerConfig(
        max_steps=6, batch_size=4, warmup_steps=2, history=6, horizon=4, d_model=8, heads=2, lim_modes=3, lim_folds=2
    )
