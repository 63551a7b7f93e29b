"""Sources are found by their entry points and by the endings of file names."""

from __future__ import annotations

import subprocess
import sys

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
    ],
)
def test_endings(path: str, name: str) -> None:
    assert source_for_path(path).name == name
    assert find_source(name).name == name


def test_unknown_sources_are_refused_with_those_there_are() -> None:
    with pytest.raises(InvalidInputError, match="source: 'xls' is not one of: csv, parquet"):
        find_source("xls")
    with pytest.raises(InvalidInputError, match=r"'a.xls' ends in none of: .csv, .csv.gz, .tsv, .txt, .parquet, .pq"):
        source_for_path("a.xls")


def test_reading_needs_no_torch() -> None:
    code = "import sys; sys.modules['torch'] = None; import svc_ingest.sources.series, svc_ingest.sources.preview"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
