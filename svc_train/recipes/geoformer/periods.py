"""Which months of a training set are learnt from and which are scored, and the windows over them."""

# ruff: noqa: N803, N806 - names end in their shape, in capitals

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import numpy as np
from numpy.typing import NDArray

from shared.errors import InvalidInputError
from shared.fields.months import month_text
from svc_train.recipes.geoformer.config import GeoformerConfig
from svc_train.recipes.hyperparameters import FIELD

# Of the months, where no test period is named.
TEST_SHARE = 0.2


def split(months: Sequence[date], config: GeoformerConfig) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Bool [T] twice: which months are learnt from, and which are scored; never one for both.

    Raises:
        InvalidInputError: the test period begins behind the last month.
    """
    named = np.array([month_text(month) for month in months])
    if config.test_start > named[-1]:
        reason = (
            f"{config.test_start} is behind the last month {named[-1]}, so nothing would be scored; to learn from all "
            f"months say train_end={named[-1]} and no test_start"
        )
        raise InvalidInputError.of(f"{FIELD}.test_start", reason)
    if config.test_start:
        test_start = config.test_start
    elif config.train_end:
        test_start = min(named[named > config.train_end], default="9999-12")
    else:
        test_start = named[len(named) - max(round(TEST_SHARE * len(named)), 1)]
    scored_T = (named >= test_start) & (named <= (config.test_end or named[-1]))
    behind_too_T = np.full(len(named), bool(config.test_end))
    usable_T = (named <= (config.train_end or named[-1])) & ~scored_T & (behind_too_T | (named < test_start))
    return usable_T, scored_T


def windows(
    known_T: NDArray[np.bool_], wanted_T: NDArray[np.bool_], config: GeoformerConfig, *, history_too: bool
) -> NDArray[np.int64]:
    """Windows whose last month is known, and the first month behind it wanted and known."""
    rows = np.arange(config.history - 1, len(known_T) - 1)
    good = known_T[rows] & wanted_T[rows + 1] & known_T[rows + 1]
    if history_too:
        good &= wanted_T[rows[:, None] + np.arange(1 - config.history, 1)].all(axis=1)
    return np.asarray(rows[good])
