from __future__ import annotations

import sys
from pathlib import Path

import pytest

from upwell.cli.forecast_file import check_file
from upwell.errors import ToolError


@pytest.mark.parametrize(("name", "library"), [("a.nc", "xarray"), ("a.NC", "netCDF4"), ("a.npz", "numpy")])
def test_what_writes_a_file_is_looked_for_before_anything_is_asked(
    monkeypatch: pytest.MonkeyPatch, name: str, library: str
) -> None:
    check_file(Path(name))
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(ToolError, match=rf"{library} is not installed: run `pip install 'upwell\[fields\]'`"):
        check_file(Path(name))


def test_another_ending_is_refused() -> None:
    with pytest.raises(ToolError, match=r"a\.csv has no known ending: use one of \.nc, \.npz"):
        check_file(Path("a.csv"))
