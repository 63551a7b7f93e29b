"""LLaMA-Factory as the engine of `text-sft`, with a stand-in for its command."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from safetensors.torch import load_file

from shared.errors import IntegrityError, InvalidInputError
from shared.modeling.predictor import load_predictor
from svc_train.recipes.base import Progress, TrainingJob, find_recipe
from svc_train.recipes.failure import TrainingFailedError
from tests.modeling import stand_in_llamafactory
from tests.modeling.chats import chat_job

pytestmark = pytest.mark.heavy

RECIPE = find_recipe("text-sft")
CLI = "UPWELL_LLAMAFACTORY_CLI"


@pytest.fixture
def cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The command, configured."""
    path = tmp_path / "llamafactory-cli"
    path.write_text(f'#!/bin/sh\nexec {sys.executable} {stand_in_llamafactory.__file__} "$@"\n')
    path.chmod(0o755)
    monkeypatch.setenv(CLI, str(path))
    return path


@pytest.fixture
def chat(tmp_path: Path, tiny_base: Path) -> TrainingJob:
    """A job for it."""
    return chat_job(tmp_path, base=tiny_base, engine="llamafactory")


def test_its_adapters_come_back_in_a_certified_bundle(tmp_path: Path, tiny_base: Path, cli: Path) -> None:
    job = chat_job(tmp_path, base=tiny_base, engine="llamafactory", max_steps=5)
    told: list[object] = []
    result = RECIPE.train(job, told.append)
    steps = [one for one in told if isinstance(one, Progress)]
    assert [one.step for one in steps] == [1, 2, 3, 4, 5]
    assert [round(one.loss, 3) for one in steps] == [3.0, 1.5, 1.0, 0.75, 0.6]
    assert (result.total_steps, result.tokens) == (5, 320)
    assert result.metrics["eval_loss"] > 0
    left = load_file(tmp_path / "output/llamafactory/output/adapter_model.safetensors")
    kept = load_file(job.bundle_dir / "adapter.safetensors")
    assert sorted(kept[name].sum().item() for name in kept) == sorted(left[name].sum().item() for name in left)
    assert load_predictor(job.bundle_dir, tiny_base).family == "text"


@pytest.mark.parametrize(
    ("fault", "error", "words"),
    [
        ("crash", TrainingFailedError, r"exit code 1: .*ValueError: the template is unknown"),
        ("nan", TrainingFailedError, "The loss is nan at step 2"),
        ("no_adapter", IntegrityError, r"left no adapter_model\.safetensors"),
        ("other_rank", IntegrityError, "left other adapters than the run asked for: .*lora_A"),
    ],
)
@pytest.mark.usefixtures("cli")
def test_what_goes_wrong_there_is_told(
    monkeypatch: pytest.MonkeyPatch, chat: TrainingJob, fault: str, error: type, words: str
) -> None:
    monkeypatch.setenv("STAND_IN_FAULT", fault)
    with pytest.raises(error, match=words):
        RECIPE.train(chat, lambda _: None)


@pytest.mark.parametrize(
    ("changed", "field"), [({"method": "full"}, "engine"), ({"early_stopping_patience": 2, "eval_steps": 2}, "early")]
)
def test_what_it_does_not_do_is_refused(tmp_path: Path, tiny_base: Path, cli: Path, changed: dict, field: str) -> None:
    with pytest.raises(InvalidInputError, match=field):
        RECIPE.train(chat_job(tmp_path, base=tiny_base, engine="llamafactory", **changed), lambda _: None)


def test_a_server_without_it_says_so(tmp_path: Path, tiny_base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(CLI, raising=False)
    with pytest.raises(TrainingFailedError, match="not configured") as caught:
        RECIPE.train(chat_job(tmp_path, base=tiny_base, engine="llamafactory"), lambda _: None)
    assert CLI in caught.value.remedy
    monkeypatch.setenv(CLI, str(tmp_path / "nowhere"))
    with pytest.raises(TrainingFailedError, match="cannot be started: No such file"):
        RECIPE.train(chat_job(tmp_path / "b", base=tiny_base, engine="llamafactory"), lambda _: None)
