"""Training jobs over small data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from svc_train.recipes.base import BaseSource, DatasetSource, SeriesSource, TrainingJob
from tests.modeling.samples import BASE_DIGEST, SERIES_DIGEST, spiked, write_segments, write_series


def job(
    folder: Path,
    *,
    base: Path,
    columns: Mapping[str, np.ndarray],
    segments: Sequence[Mapping[str, Any]],
    meta: Mapping[str, Any] | None = None,
    **hyperparameters: Any,
) -> TrainingJob:
    """A job over one series, `pump`."""
    return TrainingJob(
        hyperparameters=hyperparameters,
        base=BaseSource(name="tiny-qwen", digest=BASE_DIGEST, folder=base),
        training_set=DatasetSource(
            name="pump-labels", digest="e" * 64, folder=write_segments(folder / "training_set", segments)
        ),
        series=(
            SeriesSource(
                name="pump", digest=SERIES_DIGEST, folder=write_series(folder / "series", columns), meta=meta or {}
            ),
        ),
        bundle_dir=folder / "output" / "bundle",
    )


def spiked_job(folder: Path, *, base: Path, rows: int = 1200, **hyperparameters: Any) -> TrainingJob:
    """A job that a few steps can learn something from: a put-together series of four pieces with spikes."""
    values, spikes = spiked(rows)
    quarter = rows // 4
    return job(
        folder,
        base=base,
        columns={"pressure": values},
        segments=[{"start_row": start, "end_row": end} for start, end in spikes],
        meta={"pieces": [[i * quarter, (i + 1) * quarter] for i in range(4)]},
        **hyperparameters,
    )
