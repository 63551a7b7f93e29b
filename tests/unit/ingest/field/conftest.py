from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import xarray as xr

from shared.contracts.parameters import parse_parameters
from shared.fields.store import Fields, open_fields
from svc_ingest.domain.made import Made
from svc_ingest.sources.field.source import SOURCE


@pytest.fixture
def save(tmp_path) -> Callable[..., Path]:
    def save(dataset: xr.Dataset, name: str = "fields.nc", **options: Any) -> Path:
        path = tmp_path / name
        dataset.to_netcdf(path, engine="netcdf4", **options)
        return path

    return save


@pytest.fixture
def make(tmp_path) -> Callable[..., Made]:
    def make(path: Path, must_stop: Callable[[], bool] = lambda: False, **parameters: Any) -> Made:
        folder = tmp_path / "version"
        folder.mkdir(exist_ok=True)
        return SOURCE.make(path, parse_parameters(SOURCE.parameters, parameters), folder, must_stop)

    return make


@pytest.fixture
def ingest(make, tmp_path) -> Callable[..., Fields]:
    def ingest(path: Path, **parameters: Any) -> Fields:
        make(path, **parameters)
        return open_fields(tmp_path / "version")

    return ingest
