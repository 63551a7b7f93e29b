"""Sources are found by their entry points and by the endings of file names."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from shared.errors import InvalidInputError
from svc_ingest.sources.base import find_source, source_for_path


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("a/b.csv", "csv"),
        ("B.CSV", "csv"),
        ("x.csv.gz", "csv"),
        ("x.tsv", "csv"),
        ("x.parquet", "parquet"),
        ("x.PQ", "parquet"),
        ("sharegpt.json", "chat"),
        ("turns.JSONL", "chat"),
    ],
)
def test_endings(path: str, name: str) -> None:
    assert source_for_path(path).name == name
    assert find_source(name).name == name


def test_unknown_sources_are_refused_with_those_there_are() -> None:
    with pytest.raises(InvalidInputError, match="source: 'xls' is not one of: chat, csv, field, parquet"):
        find_source("xls")
    with pytest.raises(InvalidInputError, match=r"'a.xls' ends in none of: .jsonl, .*, .csv, .csv.gz, .*, .parquet"):
        source_for_path("a.xls")


def test_no_torch_and_no_pandas_is_needed(tmp_path: Path) -> None:
    times = pa.array([1, 1_700_000_000_123_456_789], pa.timestamp("ns"))
    pq.write_table(pa.table({"time": times, "a": [1.0, 2.0]}), tmp_path / "in.parquet")
    code = """
import sys
from pathlib import Path
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name in ("torch", "pandas"):
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, Absent())
from svc_ingest.domain.read_options import read_options
from svc_ingest.sources.base import find_source
from svc_ingest.sources.preview import preview
from svc_ingest.sources.series import make_series
folder = Path(sys.argv[1])
facts = make_series(find_source("parquet"), folder / "in.parquet", read_options(timezone="Asia/Tokyo"), folder)
print(facts.end, preview(folder / "series.parquet").rows)
"""
    command = [sys.executable, "-c", code, str(tmp_path)]
    done = subprocess.run(command, check=True, timeout=60, capture_output=True, text=True)
    assert done.stdout.split() == [str(1_700_000_000_123_456_789 - 9 * 3600 * 10**9), "2"]
