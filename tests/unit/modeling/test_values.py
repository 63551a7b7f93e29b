from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from shared.errors import InvalidInputError
from shared.modeling.series.values import SeriesInput


@pytest.mark.parametrize(
    ("channels", "values", "reason"),
    [
        (("a", "b"), np.zeros((3, 1)), "2 names were given"),
        (("a",), np.zeros(3), "1 names were given"),
        (("a",), np.zeros((0, 1)), "at least one row"),
        ((), np.zeros((3, 0)), "at least one row"),
        (("a", "a"), np.zeros((3, 2)), "used twice"),
        (("a", "b"), np.array([[0, 1], [2, np.inf]]), "row 1 of channel 'b' is infinite"),
    ],
)
def test_what_is_no_series_is_refused(channels, values, reason: str):
    with pytest.raises(InvalidInputError, match=reason):
        SeriesInput(id="x", channels=channels, values=values)


def test_missing_values_are_allowed():
    assert SeriesInput(id="x", channels=("a",), values=np.array([[1.0], [np.nan]])).channels == ("a",)


def test_values_can_be_named_without_loading_torch():
    module = "shared.modeling.series.values"
    code = f"import sys, {module}; sys.exit(any(name in sys.modules for name in ('torch', 'transformers', 'peft')))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
