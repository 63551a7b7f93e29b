"""Checkpoints: what is resumed goes on to the last bit, what does not fit is refused, and half a one is none."""

from __future__ import annotations

import errno
import json
import resource
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from shared.errors import IntegrityError, InvalidInputError
from svc_train.recipes.training.checkpoints import Standing, save_checkpoint
from svc_train.recipes.training.knobs import CommonConfig
from svc_train.recipes.training.optimizer import make_optimizer
from tests.unit.train.recipes.training.toy import Told, ToyTask, toy, toy_job, train_toy

KNOBS: dict[str, Any] = {"batch_size": 4, "gradient_accumulation": 2, "checkpoint_steps": 1, "eval_steps": 5}


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    """Of step 7 of 12."""
    train_toy(toy(dropout=0.3), toy_job(tmp_path), Told(), **KNOBS)
    return tmp_path / "checkpoints" / "step-00000007"


def _resume(checkpoint: Path, folder: Path, *, task: ToyTask | None = None, base: str = "b", **knobs: Any) -> Told:
    told = Told()
    task = task or toy(seed=99, dropout=0.3)
    train_toy(task, toy_job(folder, resume_from=checkpoint, base=base), told, **{**KNOBS, **knobs})
    return told


@pytest.mark.parametrize("step", [1, 5, 6, 11, 12])
def test_a_resumed_run_is_the_uninterrupted_one_to_the_last_bit(tmp_path: Path, step: int):
    whole_told, whole = Told(), toy(dropout=0.3)
    wanted = train_toy(whole, toy_job(tmp_path), whole_told, **KNOBS)
    torch.manual_seed(123)
    told, task = Told(), toy(seed=99, dropout=0.3)
    job = toy_job(tmp_path / "2", resume_from=tmp_path / "checkpoints" / f"step-{step:08d}")
    found = train_toy(task, job, told, **KNOBS)
    assert told.losses == whole_told.losses[step:]
    assert [p.metrics for p in told.progress] == [p.metrics for p in whole_told.progress[step:]]
    assert found == wanted
    for name, weight in whole.network.state_dict().items():
        assert torch.equal(weight, task.network.state_dict()[name]), name


def test_early_stopping_goes_on_counting(tmp_path: Path):
    knobs = {**KNOBS, "eval_steps": 1, "early_stopping_patience": 3}
    task = toy()
    task.errors = [3.0, 4.0, 4.0, 4.0]
    train_toy(task, toy_job(tmp_path), Told(), **knobs)
    resumed, told = toy(), Told()
    resumed.errors = [4.0] * 9
    train_toy(resumed, toy_job(tmp_path, resume_from=tmp_path / "checkpoints" / "step-00000003"), told, **knobs)
    assert [progress.step for progress in told.progress] == [4]


def test_time_and_tokens_go_on_counting(checkpoint: Path, tmp_path: Path):
    [first, *_] = _resume(checkpoint, tmp_path).progress
    assert (first.step, first.tokens) == (8, 8 * 8 * 4)
    stored = json.loads((checkpoint / "checkpoint.json").read_text())["standing"]
    assert first.elapsed_s > stored["elapsed_s"] > 0


def test_a_retry_with_smaller_batches_goes_on_from_it(checkpoint: Path, tmp_path: Path):
    assert _resume(checkpoint, tmp_path, batch_size=2, gradient_accumulation=4).progress[0].step == 8


@pytest.mark.parametrize(
    ("knobs", "reason"),
    [
        ({"learning_rate": 0.5}, "made for another run: learning_rate was 0.001 and is 0.5"),
        ({"batch_size": 8}, "batch_size x gradient_accumulation was 8 and is 16"),
        ({"base": "c"}, "base was 'bbbb"),
    ],
)
def test_a_checkpoint_of_another_run_is_refused(checkpoint: Path, tmp_path: Path, knobs: dict[str, Any], reason: str):
    with pytest.raises(InvalidInputError, match=reason):
        _resume(checkpoint, tmp_path, **knobs)


def test_a_checkpoint_of_another_network_is_refused(checkpoint: Path, tmp_path: Path):
    with pytest.raises(IntegrityError, match="has too many"):
        _resume(checkpoint, tmp_path, task=toy())


def _cut_a_file(checkpoint: Path) -> None:
    path = checkpoint / "optimizer.safetensors"
    path.write_bytes(path.read_bytes()[:-9])


def _lose_a_file(checkpoint: Path) -> None:
    (checkpoint / "random.safetensors").unlink()


def _change_a_shape(checkpoint: Path) -> None:
    path = checkpoint / "weights.safetensors"
    save_file({**load_file(path), "0.weight": torch.zeros(16, 5)}, path)


def _add_to_the_optimizer(checkpoint: Path) -> None:
    path = checkpoint / "optimizer.safetensors"
    save_file({**load_file(path), "9.weight/exp_avg": torch.zeros(1)}, path)


def _spoil_json(checkpoint: Path) -> None:
    (checkpoint / "checkpoint.json").write_text("{")


def _change_schema(checkpoint: Path) -> None:
    path = checkpoint / "checkpoint.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "schema": "upwell.checkpoint/v9"}))


def _spoil_random_states(checkpoint: Path) -> None:
    path = checkpoint / "checkpoint.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "generators": {"python": [1, 2, 3]}}))


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (_cut_a_file, "optimizer.safetensors cannot be read"),
        (_lose_a_file, "random.safetensors cannot be read"),
        (_change_a_shape, r"0.weight is torch.float32 \(16, 5\)"),
        (_add_to_the_optimizer, "speaks of '9.weight'"),
        (_spoil_json, "no readable checkpoint.json"),
        (_change_schema, "schema 'upwell.checkpoint/v9'"),
        (_spoil_random_states, "random states cannot be restored"),
    ],
)
def test_a_damaged_checkpoint_is_refused(checkpoint: Path, tmp_path: Path, damage, reason: str):
    damage(checkpoint)
    with pytest.raises(IntegrityError, match=reason):
        _resume(checkpoint, tmp_path)


def test_a_checkpoint_holds_plain_files_only(checkpoint: Path):
    names = {"checkpoint.json", "optimizer.safetensors", "random.safetensors", "weights.safetensors"}
    assert {path.name for path in checkpoint.iterdir()} == names


def test_a_disk_that_takes_no_more_leaves_nothing_behind(tmp_path: Path):
    # A limit on the size of files stands for the end of the disk: the system refuses the write alike.
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1024, limits[1]))
    try:
        with pytest.raises(OSError) as caught:
            train_toy(toy(), toy_job(tmp_path), Told(), **KNOBS)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert caught.value.errno == errno.EFBIG
    assert list((tmp_path / "checkpoints").iterdir()) == []


def test_a_leftover_of_the_same_step_is_replaced(tmp_path: Path):
    network = toy().network
    optimizer = make_optimizer(network, CommonConfig())
    for purpose in ({"run": 1}, {"run": 2}):
        saved = save_checkpoint(
            tmp_path, Standing(step=3), network=network, optimizer=optimizer, examples={}, purpose=purpose
        )
    assert [path.name for path in tmp_path.iterdir()] == ["step-00000003"]
    assert json.loads((saved / "checkpoint.json").read_text())["purpose"] == {"run": 2}
