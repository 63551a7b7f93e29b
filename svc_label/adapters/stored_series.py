"""Series in the object store: `series.parquet` in, and out where a labeler makes one."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from shared.contracts.kinds import Kind
from shared.contracts.series import SERIES_FILE, TIME_COLUMN, TIME_UTC
from shared.contracts.versions import DatasetVersion
from shared.errors import IntegrityError, InvalidInputError
from shared.ports import ArtifactStore
from svc_label.adapters.scratch import Scratch
from svc_label.domain.datasets import SeriesFacts, series_facts
from svc_label.labelers.base import MadeSeries, SeriesFrame, Times

BATCH_ROWS = 2**16
GROUP_ROWS = 2**17
# Times of series that were corrected lately stay on the disk: a reviewer corrects many segments of one series.
KEPT_TIMES = 8


class ArtifactSeries:
    """The `StoredSeries` port.

    Args:
        artifacts: the object store.
        scratch: where files lie while they are read or written.
        max_values: the largest series that is loaded, in rows times channels.
    """

    def __init__(self, artifacts: ArtifactStore, scratch: Scratch, *, max_values: int) -> None:
        self._artifacts = artifacts
        self._scratch = scratch
        self._max_values = max_values
        self._times = scratch.own / "times"
        self._times.mkdir()
        self._lock = Lock()

    def describe(self, version: DatasetVersion) -> SeriesFacts:
        """Its facts; see the port."""
        manifest = self._artifacts.manifest(version.digest)
        return series_facts(version, manifest.kind, manifest.meta)

    def load(self, facts: SeriesFacts) -> SeriesFrame:
        """Read it batch by batch, each channel in one piece of memory; see the port."""
        values_count = facts.rows * len(facts.channels)
        if values_count > self._max_values:
            raise InvalidInputError.of(
                "dataset",
                f"{facts.version} has {values_count} values; this service labels series of up to {self._max_values} "
                "(UPWELL_LABEL_MAX_VALUES): ingest it downsampled, or in parts",
            )
        time = np.empty(facts.rows, dtype=np.int64)
        values = np.empty((facts.rows, len(facts.channels)), dtype=np.float64, order="F")
        with self._scratch.folder() as folder, self._opened(facts, folder) as parquet:
            start = 0
            for batch in parquet.iter_batches(BATCH_ROWS, columns=[TIME_COLUMN, *facts.channels]):
                end = start + batch.num_rows
                time[start:end] = _integers(batch.column(TIME_COLUMN))
                for i, channel in enumerate(facts.channels):
                    values[start:end, i] = batch.column(channel).to_numpy(zero_copy_only=False)
                start = end
        return SeriesFrame(time=time, values=values, channels=facts.channels)

    def times(self, facts: SeriesFacts, rows: Collection[int]) -> Mapping[int, int]:
        """Times of rows, from a file of times on the disk; see the port."""
        with self._lock:
            path = self._times / f"{facts.version.digest}.npy"
            if not path.exists():
                self._keep_times(facts, path)
            path.touch()
            time = np.load(path, mmap_mode="r")
            return {row: int(time[row]) for row in rows}

    def store(self, name: str, made: MadeSeries, *, source: SeriesFacts) -> SeriesFacts:
        """Write and upload it; see the port."""
        series = made.series
        meta = {
            "rows": series.rows,
            "channels": [{"name": channel} for channel in series.channels],
            "time": source.time,
            "start": int(series.time[0]),
            "end": int(series.time[-1]),
            "pieces": [list(piece) for piece in made.pieces],
        }
        with self._scratch.folder() as folder:
            path = folder / SERIES_FILE
            write_series(series, source.time, path)
            manifest = self._artifacts.store(
                kind=Kind.SERIES, files={SERIES_FILE: path}, meta=meta, parents=[source.version.key]
            )
        version = DatasetVersion(name=name, digest=manifest.digest, kind=Kind.SERIES)
        return series_facts(version, Kind.SERIES, meta)

    def _opened(self, facts: SeriesFacts, folder: Path) -> Any:
        """The verified file, opened; IntegrityError when it is not what the manifest says."""
        path = folder / SERIES_FILE
        self._artifacts.fetch_file(self._artifacts.manifest(facts.version.digest).file(SERIES_FILE), path)
        try:
            parquet = pq.ParquetFile(path)
        except pa.ArrowException as error:
            raise IntegrityError(f"{SERIES_FILE} of {facts.version} is no Parquet file: {error}") from error
        columns = (parquet.metadata.num_rows, tuple(parquet.schema_arrow.names))
        if columns != (facts.rows, (TIME_COLUMN, *facts.channels)):
            raise IntegrityError(f"{SERIES_FILE} of {facts.version} has other rows or columns than its manifest says")
        return parquet

    def _keep_times(self, facts: SeriesFacts, path: Path) -> None:
        kept = sorted(self._times.iterdir(), key=lambda p: p.stat().st_mtime_ns)
        for oldest in kept[: max(0, len(kept) - KEPT_TIMES + 1)]:
            oldest.unlink()
        with self._scratch.folder() as folder, self._opened(facts, folder) as parquet:
            column = parquet.read(columns=[TIME_COLUMN]).column(TIME_COLUMN).combine_chunks()
            # The name appears when the file is whole, for a full disk must not leave half of it behind.
            np.save(folder / "times.npy", _integers(column))
            (folder / "times.npy").rename(path)


def write_series(series: SeriesFrame, time: str, path: Path) -> None:
    """Write `series.parquet`: equal series have equal bytes, and NaN becomes null.

    Args:
        series: the series.
        time: `utc` or `index`.
        path: the file.
    """
    time_type = pa.timestamp("ns", tz="UTC") if time == TIME_UTC else pa.int64()
    fields = [pa.field(TIME_COLUMN, time_type, nullable=False)]
    schema = pa.schema(fields + [pa.field(channel, pa.float64()) for channel in series.channels])
    with pq.ParquetWriter(
        path,
        schema,
        version="2.6",
        compression="zstd",
        use_dictionary=False,
        column_encoding={TIME_COLUMN: "DELTA_BINARY_PACKED", **dict.fromkeys(series.channels, "BYTE_STREAM_SPLIT")},
        write_statistics=[TIME_COLUMN],
        store_schema=False,
    ) as writer:
        for start in range(0, series.rows, GROUP_ROWS):
            end = min(start + GROUP_ROWS, series.rows)
            columns = [pa.array(series.time[start:end]).cast(time_type)]
            columns += [pa.array(series.values[start:end, i], from_pandas=True) for i in range(len(series.channels))]
            writer.write_table(pa.table(columns, schema=schema), row_group_size=GROUP_ROWS)


def _integers(column: Any) -> Times:
    values: Times = column.cast(pa.int64()).to_numpy(zero_copy_only=False)
    return values
