"""A run that goes on from a model version."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from shared.errors import InvalidInputError
from shared.modeling.bundle import read_info
from svc_train.recipes.base import ParentSource, Progress, TrainingJob
from svc_train.recipes.hyperparameters import resolved
from svc_train.recipes.series_lm import RECIPE
from svc_train.recipes.series_lm.config import tiny
from tests.modeling.jobs import spiked_job
from tests.modeling.samples import other_base, write_segments

pytestmark = pytest.mark.heavy


def _train(job: TrainingJob) -> list[float]:
    losses: list[float] = []
    RECIPE.train(job, lambda one: losses.append(one.loss) if isinstance(one, Progress) else None)
    return losses


def _parent(folder: Path, tiny_base: Path, **changes: Any) -> ParentSource:
    job = spiked_job(folder, base=tiny_base, **{**resolved(tiny()), "max_steps": 30, **changes})
    _train(job)
    return ParentSource(name="pump-detector@1", run_id="r-parent", folder=job.bundle_dir)


def _child(folder: Path, base: Path, parent: ParentSource, **changes: Any) -> TrainingJob:
    return replace(spiked_job(folder, base=base, **{**resolved(tiny()), **changes}), parent=parent)


@pytest.mark.parametrize("method", ["full", "lora"])
def test_it_goes_on_from_the_parents_weights(tmp_path: Path, tiny_base: Path, method: str):
    parent = _parent(tmp_path / "1", tiny_base, method=method)
    child = _train(_child(tmp_path / "2", tiny_base, parent, method=method))
    afresh = _train(spiked_job(tmp_path / "3", base=tiny_base, **{**resolved(tiny()), "method": method}))
    assert child[0] < 0.5 * afresh[0]


def test_it_keeps_the_parents_labels_where_the_training_set_has_fewer(tmp_path: Path, tiny_base: Path):
    first = spiked_job(tmp_path / "1", base=tiny_base, **resolved(tiny()))
    rows = [{"start_row": 48, "end_row": 51, "label": "drift"}, {"start_row": 339, "end_row": 342, "label": "spike"}]
    write_segments(first.training_set.folder, rows)
    _train(first)
    parent = ParentSource(name="pump-detector@1", run_id="r", folder=first.bundle_dir)
    child = _child(tmp_path / "2", tiny_base, parent)
    _train(child)
    assert read_info(child.bundle_dir).labels == ("drift", "spike")
    stranger = _child(tmp_path / "3", tiny_base, parent)
    write_segments(stranger.training_set.folder, [{"start_row": 48, "end_row": 51, "label": "freeze"}])
    with pytest.raises(InvalidInputError, match="has the labels freeze, which the parent does not know: drift, spike"):
        RECIPE.train(stranger, lambda _: None)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"method": "full"}, "method: full, but pump-detector@1, the parent, has lora"),
        ({"lora_rank": 8}, "lora_rank: 8, but pump-detector@1, the parent, has 4"),
        ({"window": 128}, "window: 128, but pump-detector@1, the parent, has 64"),
        ({"patch": 4}, "patch: 4, but pump-detector@1, the parent, has 8"),
    ],
)
def test_a_parent_of_another_network_is_refused(tmp_path: Path, tiny_base: Path, changes: dict[str, Any], reason: str):
    parent = _parent(tmp_path / "1", tiny_base, method="lora", max_steps=1)
    with pytest.raises(InvalidInputError, match=reason):
        RECIPE.train(_child(tmp_path / "2", tiny_base, parent, **{"method": "lora", **changes}), lambda _: None)


def test_a_parent_on_another_base_is_refused(tmp_path: Path, tiny_base: Path):
    parent = _parent(tmp_path / "1", tiny_base, max_steps=1)
    other = other_base(tmp_path / "other", "qwen3")
    with pytest.raises(InvalidInputError, match="was trained on another base than tiny-qwen"):
        RECIPE.train(_child(tmp_path / "2", other, parent), lambda _: None)
