"""One contender of `bench.ingest` in a process of its own, so that its peak memory is its own; prints one JSON line."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from svc_ingest.domain.read_options import read_options
from svc_ingest.sources.base import find_source
from svc_ingest.sources.series import make_series

SOURCES = {name: find_source(name) for name in ("csv", "parquet")}


def ours(source: str, path: Path) -> int:
    """File to `series.parquet`."""
    return make_series(SOURCES[source], path, read_options(), path.parent).rows


def csv_floor(path: Path) -> int:
    """The same file through pyarrow's streaming reader with the right types, and nothing done with it."""
    times = {"time": pa.timestamp("ns")}
    with path.open("rb") as stream:
        names = stream.readline().decode().replace('"', "").split(",")
    types = times | {name.strip(): pa.float64() for name in names[1:]}
    if "channel" in types:
        types["channel"] = pa.string()
    batches = pacsv.open_csv(path, convert_options=pacsv.ConvertOptions(column_types=types))
    return sum(batch.num_rows for batch in batches)


def parquet_floor(path: Path) -> int:
    """The same file through pyarrow's batches, and nothing done with it."""
    return sum(batch.num_rows for batch in pq.ParquetFile(path).iter_batches())


CONTENDERS: dict[str, Callable[[Path], int]] = {
    "csv": lambda path: ours("csv", path),
    "csv-floor": csv_floor,
    "parquet": lambda path: ours("parquet", path),
    "parquet-floor": parquet_floor,
}


def peak_rss_mib() -> float:
    """The most memory this process ever had; `ru_maxrss` would count the parent's, from before exec."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024


if __name__ == "__main__":
    pa.array([0]).to_numpy()  # once a process, this looks for pandas
    start, cpu = time.perf_counter(), time.process_time()
    rows = CONTENDERS[sys.argv[1]](Path(sys.argv[2]))
    found = {"rows": rows, "seconds": time.perf_counter() - start, "cpu": time.process_time() - cpu}
    print(json.dumps(found | {"rss": peak_rss_mib()}))
