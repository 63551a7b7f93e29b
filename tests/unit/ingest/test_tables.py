"""Rows of profiles and plans as people read them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from shared.errors import IntegrityError
from shared.planning.plans import PLANS_FILE, Plan, plan_writer
from shared.planning.profile import write_profile
from svc_ingest.sources.tables import cells_of
from tests.unit.shared.planning.profiles import profile_of

PROFILE = profile_of([(0, [1, 2, 4, 0, 0, 20.5]), (1, [0.25, 8, 16, 4, 2, 7]), (0, [4, 2, 4, 0, 0, 1234567])])


def plan(number: int, tool_id: int, config_id: int, task: str = "缩放图片") -> Plan:
    used = (np.arange(12).reshape(3, 4) / 3 + number).astype(np.float32)
    return Plan(
        id=f"train-{number}",
        split="train",
        task=task,
        tool_id=tool_id,
        config_id=config_id,
        latency_ms=1.0,
        used=used,
        input_size=1.0,
    )


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    found = dict(write_profile(PROFILE, tmp_path))
    found[PLANS_FILE] = tmp_path / PLANS_FILE
    with plan_writer(found[PLANS_FILE], 3) as writer:
        writer.write([plan(0, 0, 2), plan(1, 1, 1)])
        writer.write([plan(2, 1, -1, task="长" * 1001), plan(3, 0, 0)])
    return found


def test_rows_of_a_profile_are_its_configurations(files: dict[str, Path]) -> None:
    cells = cells_of("profile/v1", files, start_row=1, count=9)
    assert cells.columns[:3] == ("config_id", "tool", "input_size")
    assert cells.rows == [
        ("1", "工具-1", "0.25", "8", "16", "4", "2", "7"),
        ("2", "工具-0", "4", "2", "4", "0", "0", "1234567"),
    ]


def test_rows_of_plans_say_task_choice_and_the_windows_end(files: dict[str, Path]) -> None:
    cells = cells_of("plans/v1", files, start_row=1, count=2)
    assert cells.columns == ("id", "task", "tool", "configuration", "in use")
    sentence = "工具-1: input size 0.25, 8 CPU cores, 16 GB memory, 4 GPU SMs, 2 GB GPU memory, latency 7 ms."
    used = "cpu_cores 3.667, memory_gb 4, gpu_sm 4.333, gpu_memory_gb 4.667"
    assert cells.rows[0] == ("train-1", "缩放图片", "工具-1", f"1, {sentence}", used)
    assert cells.rows[1][1:4] == ("长" * 1000 + "...", "工具-1", "none fits")
    assert len(cells.rows) == 2


def test_files_that_hold_something_else_are_told(files: dict[str, Path]) -> None:
    with pytest.raises(IntegrityError, match="The files do not hold profile/v1"):
        cells_of("profile/v1", {**files, "profile.parquet": files[PLANS_FILE]}, start_row=0, count=1)
    files["tools.json"].write_text("[]")
    with pytest.raises(IntegrityError, match="The files do not hold plans/v1"):
        cells_of("plans/v1", files, start_row=0, count=1)
