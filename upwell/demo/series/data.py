"""The demo's data: two real recordings that come with the package `aeon`, read from its folder without importing it.

Arterial pressure with one labelled anomaly: `InternalBleeding16` of the UCR Anomaly Archive (Wu and Keogh 2021). Gait
of a patient, nine accelerometer channels: `S06R02E0` of the Daphnet Freezing of Gait data (Baechlin et al. 2010).
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from upwell.errors import ToolError

PRESSURE = "KDD-TSAD_135/135_UCR_Anomaly_InternalBleeding16_{part}.csv"
GAIT = "Daphnet_S06R02E0/S06R02E0.csv"
TIME, VALUE, TRUTH = "timestamp", "value", "is_anomaly"


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoData:
    """Files to ingest, and what is known of them.

    Attributes:
        normal: CSV of the train part, in which nothing is wrong.
        scored: CSV of the test part after the rows that repeat the train part; only ever scored.
        values: [rows] of the scored file.
        times: [rows], its index.
        truth: rows [start, end) of its one anomaly.
        gait: CSV with several channels.
        gait_channels: their names.
    """

    normal: Path
    scored: Path
    values: Sequence[float]
    times: Sequence[int]
    truth: tuple[int, int]
    gait: Path
    gait_channels: Sequence[str]


def prepare(folder: Path) -> DemoData:
    """Write what is to be ingested into a folder.

    Raises:
        ToolError: `aeon` is not installed.
    """
    source = _source()
    train = _rows(source / PRESSURE.format(part="TRAIN"))
    test = _rows(source / PRESSURE.format(part="TEST"))
    # The test part begins with the train part once more, which must not be scored.
    scored = test[len(train) :]
    anomalous = [number for number, row in enumerate(scored) if row[TRUTH] == "1"]
    gait = source / GAIT
    with gait.open(encoding="utf-8") as file:
        columns = next(csv.reader(file))
    return DemoData(
        normal=_write(folder / "bleeding-normal.csv", train),
        scored=_write(folder / "bleeding-test.csv", scored),
        values=[float(row[VALUE]) for row in scored],
        times=[int(row[TIME]) for row in scored],
        truth=(anomalous[0], anomalous[-1] + 1),
        gait=gait,
        gait_channels=[column for column in columns if column not in {TIME, TRUTH}],
    )


def _source() -> Path:
    package = find_spec("aeon")
    if package is None or not package.submodule_search_locations:
        raise ToolError("The demo's data come with the package aeon: run `pip install 'upwell[demo]'`.")
    return Path(package.submodule_search_locations[0]) / "datasets" / "data"


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def _write(path: Path, rows: Sequence[dict[str, str]]) -> Path:
    """Time and value without the label: nobody shall learn from that."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, [TIME, VALUE], extrasaction="ignore")
        writer.writeheader()
        writer.writerows(rows)
    return path
