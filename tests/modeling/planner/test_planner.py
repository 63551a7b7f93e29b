"""`planner` from plans to a certified bundle, alone and after `planner-encoder`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from shared.errors import IntegrityError, InvalidInputError
from shared.modeling.bases import load_base
from shared.modeling.planner.network import PlannerLM
from shared.modeling.planner.spec import PlannerSpec
from shared.modeling.planner.tensors import encode_plans
from shared.modeling.predictor import load_predictor
from shared.planning.demand import Demand
from shared.planning.states import draw_use
from shared.planning.values import PlanInput
from svc_train.recipes.base import Checkpoint, DatasetSource, ParentSource, Progress
from svc_train.recipes.planner import RECIPE
from svc_train.recipes.planner.config import tiny
from svc_train.recipes.planner_encoder import RECIPE as PHASE_0
from svc_train.recipes.planner_encoder.config import tiny as tiny_encoder
from tests.modeling.planner.plans import (
    WINDOW,
    job,
    of_earlier_release,
    plans_source,
    profile_source,
    seen_by,
    small_profile,
    trained,
)

pytestmark = pytest.mark.heavy

WEIGHTS = ("adapter.safetensors", "heads.safetensors")


@pytest.fixture(scope="module")
def plans(tmp_path_factory: pytest.TempPathFactory) -> DatasetSource:
    return plans_source(tmp_path_factory.mktemp("plans"), small_profile())


@pytest.fixture(scope="module")
def memory(tmp_path_factory: pytest.TempPathFactory, tiny_base: Path) -> ParentSource:
    folder = tmp_path_factory.mktemp("memory")
    return trained(PHASE_0, job(folder, tiny_base, profile_source(folder / "data", small_profile()), tiny_encoder()))


def _asked(times: int = WINDOW, task: str = "Run sort on an input of size 4.") -> PlanInput:
    return PlanInput(id="a", task=task, used=np.zeros((times, 4), dtype=np.float32))


@pytest.mark.parametrize(("head", "init"), [("flat", "encoder"), ("factorised", "encoder"), ("flat", "random")])
def test_it_makes_a_certified_planner(
    tmp_path: Path, tiny_base: Path, plans: DatasetSource, memory: ParentSource, *, head: str, init: str
):
    parent = memory if init == "encoder" else None
    given = job(tmp_path, tiny_base, plans, tiny(), parent=parent, config_head=head, init=init, smoke=True)
    result = RECIPE.train(given, lambda _: None)
    numbers = {"tool_accuracy", "config_accuracy", "regret_ms", "regret_percent", "unaided_accuracy", "unaided_fitting"}
    assert numbers | {f"before_{name}" for name in numbers} <= result.metrics.keys()
    adapted = load_file(given.bundle_dir / "adapter.safetensors")
    assert {name.split(".")[-4] for name in adapted} == {"q_proj", "v_proj"}
    predictor = load_predictor(given.bundle_dir, tiny_base)
    [answer] = predictor.predict([_asked()])
    assert (predictor.interface, answer.id, answer.feasible) == ("plan", "a", True)
    assert answer.choice.tool_id == int(answer.choice.config_id >= 8)
    assert answer.choice.configuration["latency_ms"] > 0
    assert answer.runner_up is not None
    assert answer.runner_up.config_id != answer.choice.config_id
    used = np.tile(np.array([10, 20, 0, 0], dtype=np.float32), (WINDOW, 1))
    [full] = predictor.predict([replace(_asked(), used=used)])
    assert not full.feasible
    assert (full.choice.configuration["cpu_cores"], full.choice.configuration["memory_gb"]) == (2, 4)


def test_a_state_of_another_length_and_a_long_task_are_refused(tmp_path: Path, tiny_base: Path, plans: DatasetSource):
    given = job(tmp_path, tiny_base, plans, tiny(), max_tokens=40, limit_train=8)
    with pytest.raises(InvalidInputError, match=r"max_tokens: '.*' has \d+ tokens with its prompt, more than 8"):
        RECIPE.train(replace(given, hyperparameters={**given.hyperparameters, "max_tokens": 8}), lambda _: None)
    with pytest.raises(
        InvalidInputError, match="max_tokens: 4093 tokens and a prefix of 5 are more than the base reads"
    ):
        RECIPE.train(replace(given, hyperparameters={**given.hyperparameters, "max_tokens": 4093}), lambda _: None)
    predictor = load_predictor(trained(RECIPE, job(tmp_path, tiny_base, plans, tiny())).folder, tiny_base)
    with pytest.raises(InvalidInputError, match="used: 'a' has a window of 5 times; this model reads 8"):
        predictor.predict([_asked(5)])
    with pytest.raises(
        InvalidInputError, match=r"used\.cpu_cores: 1e\+30 at time 0 is above the capacity planned for, 10"
    ):
        predictor.predict([replace(_asked(), used=np.full((WINDOW, 4), 1e30, dtype=np.float32))])
    with pytest.raises(InvalidInputError, match="task: 'a' has"):
        predictor.predict([_asked(task="sort " * 200)])


def test_neither_prefix_nor_task_stands_first(tiny_base: Path):
    base, profile = load_base(tiny_base), small_profile()
    spec = PlannerSpec(window=WINDOW, capacity=(10.0, 20.0, 0.0, 0.0), channels=16)
    network = PlannerLM(base.decoder, profile, spec, opening_id=base.opening_id)
    seen = seen_by(base.decoder)
    batch = encode_plans([_asked(), _asked(task="Sort.")], spec, base.tokenizer)
    network(batch)
    tokens = base.decoder.get_input_embeddings()
    assert all(torch.equal(row[0], tokens.weight[base.opening_id]) for row in seen[0])
    assert torch.equal(seen[0][:, 1 : 1 + spec.prefix], network.temporal(batch.shares_BTR))
    assert torch.equal(seen[0][:, 1 + spec.prefix :], tokens(batch.ids_BQ))


def test_what_is_planned_together_is_what_is_planned_alone(tmp_path: Path, tiny_base: Path, plans: DatasetSource):
    predictor = load_predictor(trained(RECIPE, job(tmp_path, tiny_base, plans, tiny())).folder, tiny_base)
    tasks = ["Sort.", "Run sort on a very long input that has the size 4, please.", "运行压缩。"]
    together = predictor.predict([_asked(task=task) for task in tasks])
    for task, answer in zip(tasks, together, strict=True):
        [alone] = predictor.predict([_asked(task=task)])
        assert alone.choice.config_id == answer.choice.config_id
        assert alone.choice.confidence == pytest.approx(answer.choice.confidence, abs=1e-5)


def test_a_plan_fits_where_any_for_the_job_does(tmp_path: Path, tiny_base: Path, plans: DatasetSource):
    predictor = load_predictor(trained(RECIPE, job(tmp_path, tiny_base, plans, tiny())).folder, tiny_base)
    demand = Demand(small_profile(), np.array([10.0, 20.0, 0.0, 0.0]))
    generator = np.random.default_rng(0)
    asked = [replace(_asked(), used=draw_use(generator, WINDOW, demand.capacity)) for _ in range(40)]
    answers = predictor.predict(asked)
    for one, answer in zip(asked, answers, strict=True):
        fits = demand.fitting(one.used)
        assert answer.feasible == fits[demand.for_same_job(answer.choice.config_id)].any()
        assert fits[answer.choice.config_id] == answer.feasible
        assert answer.runner_up is None or fits[answer.runner_up.config_id]
    assert {answer.feasible for answer in answers} == {True, False}


def test_it_learns_to_choose(tmp_path: Path, tiny_base: Path):
    plans = plans_source(tmp_path / "data", small_profile(), samples=1250, language="en")
    changed = {"max_steps": 60, "batch_size": 16, "learning_rate": 3e-3, "channels": 64, "limit_eval": 100}
    given = job(tmp_path, tiny_base, plans, tiny(), **changed)
    metrics = RECIPE.train(given, lambda _: None).metrics
    assert metrics["tool_accuracy"] > 0.65
    assert metrics["config_accuracy"] > 0.25


def test_a_stopped_run_that_goes_on_ends_with_the_bytes_of_a_whole_one(
    tmp_path: Path, tiny_base: Path, plans: DatasetSource, memory: ParentSource
):
    settings: dict[str, Any] = {"init": "encoder", "lora_dropout": 0.2, "max_steps": 8, "checkpoint_steps": 3}
    whole = job(tmp_path / "whole", tiny_base, plans, tiny(), parent=memory, **settings)
    losses: list[float] = []

    def told(one: Progress | Checkpoint) -> None:
        if isinstance(one, Progress):
            losses.append(one.loss)

    RECIPE.train(whole, told)
    assert whole.checkpoints_dir is not None
    pieced = job(tmp_path / "pieced", tiny_base, plans, tiny(), parent=memory, **settings)
    RECIPE.train(replace(pieced, resume_from=whole.checkpoints_dir / "step-00000003"), told)
    assert losses[8:] == losses[3:8]
    for name in WEIGHTS:
        assert (whole.bundle_dir / name).read_bytes() == (pieced.bundle_dir / name).read_bytes(), name


def test_a_planner_goes_on_from_a_planner(tmp_path: Path, tiny_base: Path, plans: DatasetSource):
    losses: list[float] = []
    first = trained(
        RECIPE, job(tmp_path / "1", tiny_base, plans, tiny(), max_steps=30, learning_rate=3e-3), "planner@1"
    )

    def told(one: Progress | Checkpoint) -> None:
        if isinstance(one, Progress):
            losses.append(one.loss)

    RECIPE.train(job(tmp_path / "2", tiny_base, plans, tiny(), parent=first, max_steps=1), told)
    RECIPE.train(job(tmp_path / "3", tiny_base, plans, tiny(), max_steps=1), told)
    assert losses[0] < losses[1]
    with pytest.raises(InvalidInputError, match=r"config_head: flat, but planner@1, the parent, has factorised"):
        RECIPE.train(job(tmp_path / "4", tiny_base, plans, tiny(), parent=first, config_head="flat"), told)


def test_a_parent_of_another_table_and_an_init_without_its_parent_are_refused(
    tmp_path: Path, tiny_base: Path, plans: DatasetSource, memory: ParentSource
):
    other = plans_source(tmp_path, small_profile(slower=2.0))
    earlier = of_earlier_release(memory, tmp_path / "earlier")
    for source, parent, init, told in (
        (other, memory, "encoder", r"parent: memory@1 was trained for another profile .*16 configurations are others"),
        (plans, earlier, "encoder", "parent: memory@1 was made by an earlier release: train it again"),
        (plans, None, "encoder", "init: encoder begins with a planner-encoder: name one as the parent"),
        (plans, memory, "random", "init: random has no use for memory@1, a planner-encoder"),
    ):
        with pytest.raises(InvalidInputError, match=told):
            RECIPE.train(job(tmp_path, tiny_base, source, tiny(), parent=parent, init=init), lambda _: None)


def test_a_bundle_whose_mask_was_changed_is_refused(tmp_path: Path, tiny_base: Path, plans: DatasetSource):
    folder = trained(RECIPE, job(tmp_path, tiny_base, plans, tiny())).folder
    path = folder / "tool_mask_map.json"
    path.write_text(path.read_text().replace("[0,1,2,3,4,5,6,7]", "[0,1,2,3,4,5,6]"))
    with pytest.raises(IntegrityError, match=r"do not say the same|do not hold a profile"):
        load_predictor(folder, tiny_base)
