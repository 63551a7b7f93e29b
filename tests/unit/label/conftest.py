from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from svc_label.labelers.base import SeriesFrame

TRAIN_ROWS = 1200


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Bleeding:
    """UCR InternalBleeding16: a train part without anomaly, then the test part with one."""

    whole: SeriesFrame
    train: SeriesFrame
    test: SeriesFrame
    labels: np.ndarray
    test_labels: np.ndarray


@pytest.fixture(scope="session")
def bleeding() -> Bleeding:
    spec = find_spec("aeon")  # found, not imported: importing it takes seconds
    assert spec is not None
    assert spec.origin is not None
    folder = Path(spec.origin).parent / "datasets/data/KDD-TSAD_135"
    table = np.loadtxt(folder / "135_UCR_Anomaly_InternalBleeding16_TEST.csv", delimiter=",", skiprows=1)
    time, values, labels = table[:, 0].astype(np.int64), table[:, 1:2].copy(), table[:, 2].astype(bool)

    def rows(start: int, end: int) -> SeriesFrame:
        return SeriesFrame(time=time[start:end], values=values[start:end], channels=("pressure",))

    # The file begins with the train part.
    return Bleeding(
        whole=rows(0, len(time)),
        train=rows(0, TRAIN_ROWS),
        test=rows(TRAIN_ROWS, len(time)),
        labels=labels,
        test_labels=labels[TRAIN_ROWS:],
    )
