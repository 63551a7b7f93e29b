"""Scores on real, labelled data that is not part of the checkout: `make test-data`."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

HERE = Path(__file__).parent
CHECKOUT = HERE.parents[1]


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Collect these files only where they are asked for: a plain `pytest` needs no data."""
    asked = [(config.invocation_params.dir / str(arg).split("::", maxsplit=1)[0]).resolve() for arg in config.args]
    return None if any(path == HERE or HERE in path.parents for path in asked) else True


@pytest.fixture(scope="session")
def data_dir() -> Path:
    folder = Path(os.environ.get("UPWELL_DATA_DIR", CHECKOUT.parent / "shared/data"))
    if not (folder / "nab/labels/combined_windows.json").is_file():
        pytest.fail(
            f"{folder} holds no nab/labels/combined_windows.json: set UPWELL_DATA_DIR to the folder that holds the "
            "data sets (nab: data/ and labels/ of the Numenta Anomaly Benchmark)",
            pytrace=False,
        )
    return folder
