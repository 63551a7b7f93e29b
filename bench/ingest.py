"""Ingest: rows a second and peak memory of CSV and Parquet files, wide and long, beside pyarrow reading them only.

Each contender runs in a process of its own; contenders take turns. Ours reads, checks and writes `series.parquet`,
the floor reads and forgets. The second table is the writing alone, beside pyarrow's defaults with zstd.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from bench.measure import median, print_table, ratios
from svc_ingest.sources.base import Reading, series_schema
from svc_ingest.sources.writer import write_series

LIMIT_MIB = 1024
FULL_ROWS = 20_000_000
WRITE_ROWS = 4_000_000
PART = 250_000
CHANNELS = ("pressure", "flow", "temperature")


def parts(rows: int) -> Iterator[pa.RecordBatch]:
    """A series at 100 Hz: a rounded wave with noise, plain noise, a rounded random walk."""
    rng, level = np.random.default_rng(0), 20.0
    for start in range(0, rows, PART):
        n = np.arange(start, min(rows, start + PART))
        walk = level + rng.normal(size=n.size).cumsum() / 100
        level = float(walk[-1])
        wave = np.sin(n / 1000) * 10 + rng.normal(size=n.size)
        times = pa.array(1_700_000_000_000 + n * 10).cast(pa.timestamp("ms"))
        columns = [times, *(pa.array(c) for c in (wave.round(2), rng.normal(size=n.size), walk.round(3)))]
        yield pa.record_batch(columns, names=["time", *CHANNELS])


def long_parts(rows: int) -> Iterator[pa.RecordBatch]:
    """The same with one row a value, sorted by time."""
    names = pa.array(CHANNELS)
    for part in parts(rows // len(CHANNELS)):
        order = np.tile(np.arange(len(CHANNELS)), part.num_rows)
        values = np.column_stack([part.column(name).to_numpy() for name in CHANNELS]).ravel()
        times = part.column("time").take(pa.array(np.repeat(np.arange(part.num_rows), len(CHANNELS))))
        yield pa.record_batch([times, names.take(pa.array(order)), values], names=["time", "channel", "value"])


def make_files(folder: Path, rows: int) -> dict[str, tuple[str, Path]]:
    """Input files by what they are called in the table, with the source that reads them."""
    files = {
        "CSV, wide": ("csv", folder / "wide.csv"),
        "CSV, long": ("csv", folder / "long.csv"),
        "Parquet, wide": ("parquet", folder / "wide.parquet"),
    }
    with pacsv.CSVWriter(files["CSV, wide"][1], next(parts(1)).schema) as wide:
        for part in parts(rows):
            wide.write_batch(part)
    with pacsv.CSVWriter(files["CSV, long"][1], next(long_parts(3)).schema) as long:
        for part in long_parts(rows):
            long.write_batch(part)
    with pq.ParquetWriter(files["Parquet, wide"][1], next(parts(1)).schema) as parquet:
        for part in parts(rows):
            parquet.write_batch(part)
    return files


def run(contender: str, path: Path) -> dict[str, float]:
    """Rows, seconds, CPU seconds and peak MiB of one contender."""
    command = [sys.executable, "-m", "bench.ingest_once", contender, str(path)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    found: dict[str, float] = json.loads(done.stdout)
    return found


def read_table(rows: int, repetitions: int) -> float:
    """Measure and print reading; the result is the highest peak memory of ours, in MiB."""
    table: list[list[object]] = []
    highest = 0.0
    with tempfile.TemporaryDirectory() as name:
        for what, (source, path) in make_files(Path(name), rows).items():
            ours, floor = [], []
            for _ in range(repetitions):
                ours.append(run(source, path))
                floor.append(run(f"{source}-floor", path))
            highest = max(highest, *(one["rss"] for one in ours))
            table.append([what, rows, *(rows / median(each(runs, "seconds")) for runs in (ours, floor))])
            table[-1] += [median(each(runs, "cpu")) * 1e6 / rows for runs in (ours, floor)]
            table[-1] += [median(ratios(each(floor, key), each(ours, key))) for key in ("seconds", "cpu")]
            table[-1].append(max(each(ours, "rss")))
    columns = ("file", "rows", "rows/s", "floor's", "CPU µs/row", "floor's", "share of floor", "by CPU", "peak MiB")
    notes = {"repetitions": repetitions, "limit MiB": LIMIT_MIB, "channels": len(CHANNELS)}
    print_table("Ingest: read, check, write", columns, table, notes)
    return highest


def each(runs: Sequence[dict[str, float]], key: str) -> list[float]:
    """One figure of every run."""
    return [one[key] for one in runs]


def cpu_of_ours(batches: list[Any], channels: tuple[str, ...], path: Path) -> float:
    """CPU seconds to write batches as `series.parquet`, with the facts that are counted on the way."""
    start = time.process_time()
    write_series(Reading(time="utc", channels=channels, batches=(batch for batch in batches)), path)
    return time.process_time() - start


def cpu_of_defaults(batches: list[Any], path: Path) -> float:
    """CPU seconds to write the same with pyarrow's defaults and zstd."""
    start = time.process_time()
    pq.write_table(pa.Table.from_batches(batches), path, compression="zstd")
    return time.process_time() - start


def write_table(rows: int, repetitions: int) -> None:
    """Measure and print writing, a channel at a time and all together."""
    table = []
    whole = list(parts(rows))
    with tempfile.TemporaryDirectory() as name:
        ours, theirs = Path(name) / "ours", Path(name) / "defaults"
        for channels in (*((channel,) for channel in CHANNELS), CHANNELS):
            schema = series_schema("utc", channels)
            batches = [
                pa.record_batch(
                    [part["time"].cast(schema.field("time").type), *map(part.column, channels)], schema=schema
                )
                for part in whole
            ]
            pairs = [
                (cpu_of_ours(batches, channels, ours), cpu_of_defaults(batches, theirs)) for _ in range(repetitions)
            ]
            mine, other = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
            sizes = [path.stat().st_size / 1e6 for path in (ours, theirs)]
            table.append([" + ".join(channels), median(mine), median(other), *sizes, median(ratios(other, mine))])
    columns = ("channels", "ours CPU s", "defaults CPU s", "ours MB", "defaults MB", "times as fast")
    print_table("Writing series.parquet", columns, table, {"rows": rows, "repetitions": repetitions})


def main() -> None:
    """Print both tables; fail when ours needed more memory than it may."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=2_000_000)
    parser.add_argument("--repetitions", type=int, default=3)
    parser.add_argument("--full", action="store_true", help=f"{FULL_ROWS} rows, once")
    arguments = parser.parse_args()
    rows, repetitions = (FULL_ROWS, 1) if arguments.full else (arguments.rows, arguments.repetitions)
    peak = read_table(rows, repetitions)
    write_table(min(rows, WRITE_ROWS), max(repetitions, 3))
    if peak >= LIMIT_MIB:
        raise SystemExit(f"ingest needed {peak:.0f} MiB, more than {LIMIT_MIB}")


if __name__ == "__main__":
    main()
