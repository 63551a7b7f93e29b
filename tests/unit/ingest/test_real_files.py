"""Two real series that pip installs, as the demo reads them."""

from __future__ import annotations

import csv
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

DATA = Path(str(find_spec("aeon").origin)).parent / "datasets" / "data"  # type: ignore[union-attr]
BLEEDING = DATA / "KDD-TSAD_135"
GAIT = DATA / "Daphnet_S06R02E0" / "S06R02E0.csv"


@pytest.mark.parametrize(("part", "rows"), [("TRAIN", 1200), ("TEST", 7501)])
def test_arterial_pressure_has_an_index_for_time(ingest: Callable[..., Any], part: str, rows: int) -> None:
    content = (BLEEDING / f"135_UCR_Anomaly_InternalBleeding16_{part}.csv").read_bytes()
    made = ingest(content, time_format="index", channels=["value"])
    assert made.facts.to_meta() == {
        "rows": rows,
        "channels": [{"name": "value"}],
        "time": "index",
        "start": 0,
        "end": rows - 1,
        "sampling": {"median_step": 1, "gaps": 0, "irregular": False},
    }
    expected = [float(row["value"]) for row in csv.DictReader(content.decode().splitlines())]
    assert made.columns()["value"] == expected


def test_its_integers_are_ambiguous(refused: Callable[..., str]) -> None:
    content = (BLEEDING / "135_UCR_Anomaly_InternalBleeding16_TRAIN.csv").read_bytes()
    assert refused(content).startswith("options.time_format: the time column 'timestamp' holds numbers, the first is 0")


def test_gait_has_nine_accelerometers_and_iso_times(ingest: Callable[..., Any]) -> None:
    content = GAIT.read_bytes()
    rows = list(csv.DictReader(content.decode().splitlines()))
    channels = [name for name in rows[0] if name not in {"timestamp", "is_anomaly"}]
    made = ingest(content, channels=channels)
    assert len(channels) == 9
    assert made.facts.channels == tuple(channels)
    assert (made.facts.rows, made.facts.start) == (7040, 280 * 10**9)
    assert not made.facts.sampling.irregular
    assert made.facts.sampling.median_step in {15 * 10**6, 16 * 10**6}
    assert made.columns()["trunk_vert"] == [float(row["trunk_vert"]) for row in rows]
