"""The `SeriesReader` port over Parquet."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from shared.contracts.series import TIME_COLUMN
from shared.errors import IntegrityError
from svc_infer.domain.chunks import Rows

ROWS_AT_ONCE = 65_536


class ParquetSeries:
    """Reads `series.parquet` at most so many rows at a time."""

    def __init__(self, *, rows_at_once: int = ROWS_AT_ONCE) -> None:
        self._rows_at_once = rows_at_once

    def read(self, path: Path) -> Iterator[Rows]:
        """Rows in order; see the port."""
        try:
            with pq.ParquetFile(path) as file:
                for batch in file.iter_batches(batch_size=self._rows_at_once):
                    yield _rows(batch)
        except pa.ArrowException as error:
            raise IntegrityError(f"{path.name} cannot be read: {error}") from error


def _rows(batch: pa.RecordBatch) -> Rows:
    if TIME_COLUMN not in batch.schema.names or batch.num_columns < 2:
        raise IntegrityError(
            f"The series needs a column {TIME_COLUMN!r} and one a channel; it has: {', '.join(batch.schema.names)}"
        )
    columns = batch.drop_columns([TIME_COLUMN])
    values = [column.cast(pa.float64()).to_numpy(zero_copy_only=False) for column in columns.columns]
    return Rows(
        channels=tuple(columns.schema.names),
        times=batch.column(TIME_COLUMN).cast(pa.int64()).to_numpy(),
        values=np.stack(values, axis=1),
    )
