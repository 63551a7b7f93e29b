"""The made-up profile: a full grid by a stated cost."""

from __future__ import annotations

import zipfile
from pathlib import Path

from upwell.profile_grid import COLUMNS, LEVELS, TOOLS, grid_rows, write_grid


def test_the_grid_is_full_and_its_latencies_tell_configurations_apart() -> None:
    rows = list(grid_rows())
    assert len(rows) == 1701 == len({row[:-1] for row in rows})
    for tool in TOOLS:
        for size in LEVELS[0]:
            latencies = [row[-1] for row in rows if row[:2] == (tool.name, size)]
            assert len(set(latencies)) == len(latencies) == 81
            assert min(latencies) > tool.start_ms


def test_the_cost_is_as_stated() -> None:
    tool = TOOLS[0]
    cores, memory, sms, gpu_memory = 8, 32, 32, 16
    cpu = 5200 * (1 + 0.02 * 7 + 0.0004 * 8 * 7) / 8 * (1 + 4.4 / 64)
    gpu = 2100 * (0.01 + 0.99 / 32) * (1 + 2.4 / 32)
    wanted = 35 + 0.8 * 32 + 2.1 * 16 + 4 * cpu + 4 * gpu
    assert abs(tool.latency_ms(4, cores, memory, sms, gpu_memory) / wanted - 1) < 1e-5


def test_more_is_not_always_faster() -> None:
    """Otherwise the best plan would be the largest one that fits, whatever the tool."""
    rows = list(grid_rows())
    best = {(row[0], row[1]): row for row in sorted(rows, key=lambda row: -row[-1])}
    assert len({row[2:6] for row in best.values()}) >= 6


def test_the_same_bytes_each_time(tmp_path: Path) -> None:
    write_grid(tmp_path / "a.zip")
    write_grid(tmp_path / "b.zip")
    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()
    with zipfile.ZipFile(tmp_path / "a.zip") as archive:
        assert archive.namelist() == ["tools.json", "profile.csv"]
        assert archive.read("profile.csv").decode().splitlines()[0] == ",".join(COLUMNS)
