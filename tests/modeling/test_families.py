"""Every family that is installed is served by its certificate: a new one gets its line in `MAKERS` here."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from functools import cache
from importlib.metadata import entry_points
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from shared.errors import IntegrityError
from shared.modeling.certificate import load_certificate
from shared.modeling.predictor import GROUP, load_predictor
from svc_train.recipes.base import ParentSource, find_recipe
from svc_train.recipes.hyperparameters import resolved
from svc_train.recipes.planner.config import tiny as tiny_planner
from svc_train.recipes.planner_encoder.config import tiny as tiny_encoder
from svc_train.recipes.series_lm.config import tiny as tiny_series
from tests.modeling.chats import chat_job
from tests.modeling.jobs import spiked_job
from tests.modeling.ocean_chat.talks import questions, talk_job, trained_geoformer
from tests.modeling.planner.plans import job, plans_source, profile_source, small_profile

pytestmark = pytest.mark.heavy

SHORT = {"max_steps": 1, "warmup_steps": 0}


def series(folder: Path, base: Path) -> Path:
    given = spiked_job(folder, base=base, rows=400, **{**resolved(tiny_series()), **SHORT})
    find_recipe("series-lm").train(given, lambda _: None)
    return given.bundle_dir


def text(folder: Path, base: Path) -> Path:
    given = chat_job(folder, base=base, **SHORT)
    find_recipe("text-sft").train(given, lambda _: None)
    return given.bundle_dir


def planner_encoder(folder: Path, base: Path) -> Path:
    source = profile_source(folder / "data", small_profile())
    given = job(folder, base, source, tiny_encoder(), limit_eval=2, **SHORT)
    find_recipe("planner-encoder").train(given, lambda _: None)
    return given.bundle_dir


def planner(folder: Path, base: Path) -> Path:
    given = job(folder, base, plans_source(folder / "data", small_profile()), tiny_planner(), init="random", **SHORT)
    find_recipe("planner").train(given, lambda _: None)
    return given.bundle_dir


def geoformer(folder: Path, _base: Path) -> Path:
    return _pacific(folder.parent).folder


def ocean_chat(folder: Path, base: Path) -> Path:
    parent = _pacific(folder.parent)
    asked = questions(folder / "asked", parent.folder.parent / "field", samples=8)
    given = talk_job(folder, base=base, asked=asked, parent=parent, answers=0, **SHORT)
    find_recipe("ocean-chat").train(given, lambda _: None)
    return given.bundle_dir


@cache
def _pacific(folder: Path) -> ParentSource:
    return trained_geoformer(folder / "pacific")


# Family -> what makes a bundle of it in a folder, on a base, as its recipe does.
MAKERS: Mapping[str, Callable[[Path, Path], Path]] = {
    "geoformer": geoformer,
    "ocean-chat": ocean_chat,
    "planner": planner,
    "planner-encoder": planner_encoder,
    "series": series,
    "text": text,
}


def change_weights(bundle: Path) -> None:
    for path in bundle.rglob("*.safetensors"):
        generator = torch.Generator().manual_seed(0)
        weights = {name: one.clone() for name, one in load_file(path).items()}
        for name, one in weights.items():
            if one.is_floating_point():
                weights[name] = one + 0.5 * torch.randn(one.shape, generator=generator).to(one.dtype)
        save_file(weights, path, metadata={"format": "pt"})


def test_no_family_is_forgotten() -> None:
    assert entry_points(group=GROUP).names == set(MAKERS)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("families")


@pytest.mark.parametrize("family", sorted(entry_points(group=GROUP).names))
def test_a_bundle_answers_as_certified_or_is_refused(family: str, folder: Path, tiny_base: Path) -> None:
    bundle = MAKERS[family](folder / family, tiny_base)
    predictor = load_predictor(bundle, tiny_base)
    assert predictor.family == family
    assert len(load_certificate(bundle).cases) == len(predictor.golden_inputs()) > 0
    changed = shutil.copytree(bundle, folder / f"changed-{family}")
    change_weights(changed)
    with pytest.raises(IntegrityError, match="does not answer as it was certified"):
        load_predictor(changed, tiny_base)
