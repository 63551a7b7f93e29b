"""A small labelled series for benchmarks that train on one: a beat with a spike every so often."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from svc_train.recipes.base import BaseSource, DatasetSource, SeriesSource, TrainingJob

ROWS, EVERY, LONG = 4000, 97, 3
DIGEST = "5" * 64


def spiked_series(folder: Path, base: BaseSource) -> TrainingJob:
    """A job of `series-lm` over four pieces of one series."""
    series, labels = folder / "series", folder / "labels"
    series.mkdir()
    labels.mkdir()
    values = 80 + 10 * np.sin(np.arange(ROWS) / 5)
    starts = np.arange(EVERY // 2, ROWS - LONG, EVERY)
    for start in starts:
        values[start : start + LONG] += 40
    pq.write_table(pa.table({"time": np.arange(ROWS), "pressure": values}), series / "series.parquet")
    count = len(starts)
    pq.write_table(
        pa.table(
            {
                "series": ["pump"] * count,
                "series_digest": [DIGEST] * count,
                "channel": [""] * count,
                "label": ["spike"] * count,
                "start_row": starts,
                "end_row": starts + LONG,
            }
        ),
        labels / "segments.parquet",
    )
    pieces = [[ROWS // 4 * i, ROWS // 4 * (i + 1)] for i in range(4)]
    return TrainingJob(
        hyperparameters={},
        base=base,
        training_set=DatasetSource(name="spikes", digest="e" * 64, folder=labels),
        series=(SeriesSource(name="pump", digest=DIGEST, folder=series, meta={"pieces": pieces}),),
        bundle_dir=folder / "bundle",
    )
