"""`planner-encoder` from a profile to a certified bundle."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from shared.errors import InvalidInputError
from shared.modeling.bases import load_base
from shared.modeling.planner_encoder.network import PlannerEncoder
from shared.modeling.planner_encoder.spec import spec_for
from shared.modeling.predictor import load_predictor
from svc_train.recipes.base import Progress
from svc_train.recipes.planner_encoder import RECIPE
from svc_train.recipes.planner_encoder.config import tiny
from tests.modeling.planner.plans import job, of_earlier_release, profile_source, seen_by, small_profile, trained

pytestmark = pytest.mark.heavy


def test_it_leaves_what_a_planner_needs_and_answers_as_certified(tmp_path: Path, tiny_base: Path):
    profile = small_profile()
    given = job(tmp_path, tiny_base, profile_source(tmp_path / "data", profile), tiny())
    before = load_file(tiny_base / "model.safetensors")
    result = RECIPE.train(given, lambda _: None)
    assert result.metrics.keys() == {"reconstructed", "token_accuracy", "eval_loss", "configurations"}
    folder = given.bundle_dir
    assert load_file(folder / "config_weights.safetensors")["config_weights"].shape == (16, 128)
    lookup = json.loads((folder / "config_lookup.json").read_text())["configurations"]
    assert (len(lookup), lookup[3]["tool"], lookup[3]["cpu_cores"]) == (16, "压缩", 8)
    mask = json.loads((folder / "tool_mask_map.json").read_text())["tools"]
    assert [one["config_ids"] for one in mask] == [list(range(8)), list(range(8, 16))]
    report = json.loads((folder / "reconstruction.json").read_text())
    assert (report["checked"], set(report["exact_by_tool"])) == (16, {"压缩", "sort"})
    assert "model.safetensors" not in {path.name for path in folder.iterdir()}
    after = load_file(tiny_base / "model.safetensors")
    assert all(torch.equal(before[name], after[name]) for name in before)
    predictor = load_predictor(folder, tiny_base)
    [answer] = predictor.predict([{"config_id": 3.0}])
    assert (answer["config_id"], predictor.interface) == (3, "values")
    unknown = [{"config_id": value} for value in (16, "3", True, math.inf)]
    for wrong in (*unknown, {}, {"config_id": 1, "x": 2}):
        with pytest.raises(InvalidInputError, match=r"config_id|x: unknown"):
            predictor.predict([wrong])


def test_an_embedding_never_stands_first(tiny_base: Path):
    base, profile = load_base(tiny_base), small_profile()
    network = PlannerEncoder(base, spec_for(profile), profile)
    seen = seen_by(base.decoder)
    embeddings = torch.ones(2, base.decoder.config.hidden_size)
    logits = network.logits(embeddings, torch.tensor([[7, 8, 9], [7, 8, 9]]))
    opening = network.token_embedding.weight[base.opening_id]
    assert logits.shape[:2] == (2, 3)
    assert all(torch.equal(row[0], opening) for row in seen[0])
    assert torch.equal(seen[0][:, 1], embeddings)


def test_the_loss_falls_and_a_parents_encoder_goes_on_below_it(tmp_path: Path, tiny_base: Path):
    source = profile_source(tmp_path / "data", small_profile())
    losses: list[float] = []

    def told(one: object) -> None:
        if isinstance(one, Progress):
            losses.append(one.loss)

    first = job(tmp_path / "1", tiny_base, source, tiny(), max_steps=25, batch_size=8, learning_rate=3e-3)
    RECIPE.train(first, told)
    assert losses[-1] < 0.97 * losses[0]
    parent = trained(RECIPE, job(tmp_path / "2", tiny_base, source, tiny(), max_steps=25, learning_rate=3e-3))
    RECIPE.train(job(tmp_path / "3", tiny_base, source, tiny(), parent=parent), told)
    assert losses[25] < 0.97 * losses[0]
    earlier = of_earlier_release(parent, tmp_path / "earlier")
    with pytest.raises(InvalidInputError, match="parent: memory@1 was made by an earlier release: train it again"):
        RECIPE.train(job(tmp_path / "4", tiny_base, source, tiny(), parent=earlier), told)


def test_it_ends_when_it_is_learnt(tmp_path: Path, tiny_base: Path):
    source = profile_source(tmp_path / "data", small_profile())
    result = RECIPE.train(job(tmp_path, tiny_base, source, tiny(), max_steps=50, target_loss=100.0), lambda _: None)
    assert result.total_steps == 1
