"""The loop, on a network that trains in milliseconds."""

from __future__ import annotations

import math
import time
from pathlib import Path

import pytest
import torch

from svc_train.recipes.base import Checkpoint, Monitor
from svc_train.recipes.failure import TrainingFailedError
from svc_train.recipes.stopping import StoppedTrainingError
from svc_train.recipes.training.knobs import CommonConfig
from svc_train.recipes.training.optimizer import make_optimizer
from svc_train.recipes.training.sampling import Shuffled
from tests.unit.train.recipes.training.toy import Told, ToyTask, toy, toy_job, train_toy


def test_it_learns(tmp_path: Path):
    told, task = Told(), toy()
    outcome = train_toy(task, toy_job(tmp_path), told, max_steps=200, batch_size=16, learning_rate=0.03)
    assert told.losses[-1] < 0.1 * told.losses[0]
    assert outcome.metrics["error"] < 1.0
    assert (outcome.steps, outcome.tokens) == (200, 200 * 16 * 4)
    assert [progress.step for progress in told.progress] == list(range(1, 201))
    assert not task.network.training


def test_what_evaluations_took_is_told_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    task, told, evaluate = toy(), Told(), ToyTask.evaluate

    def slowly(self: ToyTask) -> dict[str, float]:
        time.sleep(0.05)
        return evaluate(self)

    monkeypatch.setattr(ToyTask, "evaluate", slowly)
    train_toy(task, toy_job(tmp_path), told, max_steps=4, eval_steps=2)
    took = [progress.evaluated_s for progress in told.progress]
    assert took[0] == 0
    assert 0.05 <= took[1] == took[2] < took[3]
    assert all(progress.evaluated_s < progress.elapsed_s for progress in told.progress)


@pytest.mark.parametrize(("batch_size", "accumulation"), [(1, 16), (4, 4), (8, 2)])
def test_the_losses_are_the_same_however_a_step_is_cut_into_batches(tmp_path: Path, batch_size: int, accumulation: int):
    whole, cut = Told(), Told()
    train_toy(toy(), toy_job(tmp_path), whole, batch_size=16)
    train_toy(toy(), toy_job(tmp_path), cut, batch_size=batch_size, gradient_accumulation=accumulation)
    assert cut.losses == pytest.approx(whole.losses, rel=1e-4)
    assert whole.progress[-1].tokens == cut.progress[-1].tokens


def test_one_optimiser_step_by_hand(tmp_path: Path):
    task, by_hand, told = toy(), toy(), Told()
    train_toy(task, toy_job(tmp_path), told, max_steps=1, batch_size=2, gradient_accumulation=3, warmup_steps=0)
    config = CommonConfig(warmup_steps=0)
    optimizer = make_optimizer(by_hand.network, config)
    batch = by_hand.collate(Shuffled(range(48), seed=0).draw(6))
    loss = by_hand.loss(batch, batch.weights)
    loss.backward()
    torch.nn.utils.clip_grad_norm_(by_hand.network.parameters(), config.max_grad_norm)
    optimizer.param_groups[0]["lr"] = optimizer.param_groups[1]["lr"] = told.progress[0].learning_rate
    optimizer.step()
    assert told.losses == [pytest.approx(loss.item())]
    for name, weight in task.network.state_dict().items():
        torch.testing.assert_close(weight, by_hand.network.state_dict()[name])


def test_only_matrices_decay():
    network = toy(dropout=0.1).network
    matrices, others = make_optimizer(network, CommonConfig(weight_decay=0.5)).param_groups
    assert (matrices["weight_decay"], others["weight_decay"]) == (0.5, 0.0)
    assert all(p.ndim > 1 for p in matrices["params"])
    assert all(p.ndim <= 1 for p in others["params"])
    assert len(matrices["params"]) + len(others["params"]) == len(list(network.parameters()))


def test_evaluations_come_every_so_many_steps_and_at_the_end(tmp_path: Path):
    told = Told()
    train_toy(toy(), toy_job(tmp_path), told, max_steps=7, eval_steps=3)
    assert [progress.step for progress in told.progress if progress.metrics] == [3, 6, 7]


def test_a_smoke_run_is_one_step_between_two_evaluations(tmp_path: Path):
    told, task = Told(), toy()
    outcome = train_toy(task, toy_job(tmp_path), told, max_steps=500, smoke=True)
    assert outcome.steps == len(told.progress) == 1
    assert task.evaluations == 2
    assert outcome.metrics.keys() == {"error", "before_error"}
    assert outcome.metrics["error"] != outcome.metrics["before_error"]


def test_it_ends_when_evaluations_get_no_better(tmp_path: Path):
    told, task = Told(), toy()
    task.errors = [5.0, 4.0, 4.5, 4.0, 1.0, 0.5]
    outcome = train_toy(task, toy_job(tmp_path), told, max_steps=100, eval_steps=2, early_stopping_patience=2)
    assert outcome.steps == 8
    assert outcome.metrics == {"error": 4.0}


def test_it_ends_when_the_loss_is_below_its_target(tmp_path: Path):
    told, task = Told(), toy()
    target = 0.02
    outcome = train_toy(task, toy_job(tmp_path), told, max_steps=500, learning_rate=0.05, target_loss=target)
    assert told.losses[-1] < target <= min(told.losses[:-1])
    assert (outcome.steps, task.evaluations) == (len(told.losses), 1)
    assert outcome.metrics["error"] > 0


def test_checkpoints_are_reported_with_what_ranks_them(tmp_path: Path):
    told, task = Told(), toy()
    task.errors = [5.0, 4.0]
    train_toy(task, toy_job(tmp_path), told, max_steps=8, eval_steps=4, checkpoint_steps=2)
    monitor = Monitor(name="error", value=5.0, larger_is_better=False)
    assert told.checkpoints[:2] == [
        Checkpoint(step=2),
        Checkpoint(step=4, metrics={"error": 5.0}, monitor=monitor),
    ]
    names = sorted(path.name for path in (tmp_path / "checkpoints").iterdir())
    assert names == ["step-00000002", "step-00000004", "step-00000006", "step-00000008"]


def test_checkpoints_by_time(tmp_path: Path):
    told = Told()
    train_toy(toy(), toy_job(tmp_path), told, max_steps=3, checkpoint_seconds=1e-9)
    assert len(told.checkpoints) >= 1
    seldom = Told()
    train_toy(toy(), toy_job(tmp_path), seldom, max_steps=3, checkpoint_seconds=3600.0)
    assert seldom.checkpoints == []


def test_without_a_folder_for_them_there_are_no_checkpoints(tmp_path: Path):
    told = Told()
    train_toy(toy(), toy_job(tmp_path, checkpoints=False), told, checkpoint_steps=1)
    assert told.checkpoints == []
    assert list(tmp_path.iterdir()) == []


def test_a_training_that_is_asked_to_stop_leaves_a_checkpoint_of_its_last_step(tmp_path: Path):
    told, job = Told(), toy_job(tmp_path)
    told.when_told = lambda happened: (job.stop.request(), None)[1] if happened.step == 3 else None
    with pytest.raises(StoppedTrainingError):
        train_toy(toy(), job, told)
    assert [checkpoint.step for checkpoint in told.checkpoints] == [4]
    assert (tmp_path / "checkpoints" / "step-00000004").is_dir()
    assert not job.stop.request(), "nobody heeds it any more"


def test_a_loss_that_is_no_number_ends_the_run_before_it_spoils_the_weights(tmp_path: Path):
    told, task = Told(), toy()
    first = next(iter(task.network.parameters()))

    def spoil(happened: object) -> None:
        with torch.no_grad():
            first[0, 0] = math.nan

    told.when_told = spoil
    with pytest.raises(TrainingFailedError, match=r"The loss is nan at step 2") as caught:
        train_toy(task, toy_job(tmp_path), told)
    assert caught.value.cause == "nan_loss"
    assert "learning_rate (now 0.001)" in caught.value.remedy


def test_an_evaluation_without_numbers_ends_the_run_with_its_cause(tmp_path: Path):
    task = toy()
    task.errors = [math.inf]
    with pytest.raises(TrainingFailedError, match=r"evaluation after step .* error is inf") as caught:
        train_toy(task, toy_job(tmp_path), Told())
    assert caught.value.cause == "nan_loss"


def test_every_step_tells_the_length_of_its_gradient(tmp_path: Path):
    told = Told()
    train_toy(toy(), toy_job(tmp_path), told)
    assert all(progress.gradient_norm and progress.gradient_norm > 0 for progress in told.progress)


def test_bfloat16_computes_coarsely_and_learns_the_same(tmp_path: Path):
    exact, coarse = Told(), Told()
    train_toy(toy(), toy_job(tmp_path), exact)
    task = toy()
    train_toy(task, toy_job(tmp_path), coarse, precision="bfloat16")
    assert coarse.losses != exact.losses
    assert coarse.losses == pytest.approx(exact.losses, rel=0.05)
    assert {parameter.dtype for parameter in task.network.parameters()} == {torch.float32}
