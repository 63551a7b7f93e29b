from __future__ import annotations

from pathlib import Path

import pytest

from svc_train.adapters.commands import gpu_count, training_command


def _arguments(**asked) -> str:
    return " ".join(training_command(**asked)[1:])


def test_one_worker_is_a_process_of_its_own():
    assert _arguments(workers=1) == "-m svc_train.child"


def test_several_workers_are_started_by_torchrun():
    assert _arguments(workers=2) == "-m torch.distributed.run --standalone --nproc-per-node 2 -m svc_train.child"


def test_ray_is_told_how_many():
    assert _arguments(workers=3, on_ray=True) == "-m svc_train.child.ray --workers 3"


@pytest.mark.parametrize(
    ("environment", "count"),
    [
        ({}, 2),
        ({"CUDA_VISIBLE_DEVICES": "1"}, 1),
        ({"CUDA_VISIBLE_DEVICES": ""}, 0),
        ({"CUDA_VISIBLE_DEVICES": "0,1,2"}, 2),
    ],
)
def test_gpus_are_counted_by_their_device_files(tmp_path: Path, environment: dict[str, str], count: int):
    for name in ("nvidia0", "nvidia1", "nvidiactl", "nvidia-uvm", "null"):
        (tmp_path / name).touch()
    assert gpu_count(tmp_path, environment) == count
