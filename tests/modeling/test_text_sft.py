"""`text-sft` from conversations to a certified bundle, on small bases."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from shared.errors import IntegrityError, InvalidInputError
from shared.modeling.bases import load_base
from shared.modeling.bundle import read_info
from shared.modeling.predictor import load_predictor
from shared.modeling.text.values import TextInput
from svc_train.recipes.base import Checkpoint, ParentSource, Progress, TrainingJob, find_recipe
from svc_train.recipes.failure import TrainingFailedError
from svc_train.recipes.text_sft.checks import check_isolated, check_learns
from svc_train.recipes.text_sft.config import TextSftConfig, tiny
from svc_train.recipes.text_sft.data import read_data
from svc_train.recipes.text_sft.task import TextTask
from tests.modeling.chats import chat_job
from tests.modeling.samples import other_base

pytestmark = pytest.mark.heavy

RECIPE = find_recipe("text-sft")


def trained(job: TrainingJob) -> tuple[list[Progress], list[Checkpoint], Any]:
    told: list[Any] = []
    result = RECIPE.train(job, told.append)
    return [t for t in told if isinstance(t, Progress)], [t for t in told if isinstance(t, Checkpoint)], result


@pytest.mark.parametrize("method", ["lora", "full"])
@pytest.mark.parametrize("packing", [True, False])
def test_it_learns_and_leaves_a_certified_bundle(tmp_path: Path, tiny_base: Path, method: str, packing: bool) -> None:
    job = chat_job(tmp_path, base=tiny_base, method=method, packing=packing, max_steps=30, eval_steps=10)
    progress, _, result = trained(job)
    evaluated = [p.metrics["eval_loss"] for p in progress if p.metrics]
    assert len(evaluated) == 3
    assert evaluated[-1] < evaluated[0]
    assert progress[-1].loss < progress[0].loss
    assert result.metrics["eval_perplexity"] == pytest.approx(torch.tensor(evaluated[-1]).exp().item())
    assert result.metrics["train_conversations"] == 22
    info = read_info(job.bundle_dir)
    assert (info.family, info.recipe, info.method) == ("text", "text-sft", method)
    names = {path.name for path in job.bundle_dir.iterdir()}
    assert ("adapter.safetensors" in names) == (method == "lora")
    assert ("model.safetensors" in names) == (method == "full")
    predictor = load_predictor(job.bundle_dir, tiny_base)
    [answer] = predictor.predict(
        [TextInput(id="a", messages=({"role": "user", "content": "Rows 1 to 9 hold a spike."},), max_new_tokens=5)]
    )
    assert (answer.id, predictor.labels) == ("a", ())
    assert 1 <= answer.tokens <= 5


def test_tiny_is_a_run_of_seconds(tmp_path: Path, tiny_base: Path) -> None:
    config = tiny()
    job = chat_job(tmp_path, base=tiny_base)
    assert {name: getattr(config, name) for name in job.hyperparameters} == dict(job.hyperparameters)
    progress, _, _ = trained(job)
    assert len(progress) == 6


@pytest.mark.parametrize("architecture", ["llama", "qwen3"])
def test_any_causal_language_model_will_do(tmp_path: Path, architecture: str) -> None:
    base = other_base(tmp_path / "base", architecture)
    _, _, result = trained(chat_job(tmp_path, base=base, lora_targets="q_proj,v_proj"))
    assert result.total_steps == 6
    adapters = load_file(tmp_path / "output" / "bundle" / "adapter.safetensors")
    assert {name.split(".lora_")[0].rpartition(".")[2] for name in adapters} == {"q_proj", "v_proj"}
    load_predictor(tmp_path / "output" / "bundle", base)


def test_smoke_tries_everything_once(tmp_path: Path, tiny_base: Path) -> None:
    progress, _, result = trained(chat_job(tmp_path, base=tiny_base, smoke=True))
    assert result.total_steps == 1
    assert {"before_eval_loss", "eval_loss"} <= set(progress[-1].metrics)
    load_predictor(tmp_path / "output" / "bundle", tiny_base)


def resumed_equals_uninterrupted(tmp_path: Path, base: Path, **hyperparameters: Any) -> None:
    asked = {"max_steps": 8, "checkpoint_steps": 3, "gradient_accumulation": 2, "eval_steps": 4, **hyperparameters}
    whole = replace(chat_job(tmp_path / "whole", base=base, **asked), checkpoints_dir=tmp_path / "checkpoints")
    through, checkpoints, _ = trained(whole)
    assert [one.step for one in checkpoints] == [3, 6]
    assert checkpoints[-1].monitor is not None
    assert checkpoints[-1].monitor.name == "eval_loss"
    rest = replace(
        chat_job(tmp_path / "rest", base=base, **asked), resume_from=tmp_path / "checkpoints" / "step-00000003"
    )
    after, _, _ = trained(rest)
    assert [p.loss for p in after] == [p.loss for p in through[3:]]
    for name in ("adapter.safetensors", "model.safetensors", "certificate.json"):
        if (whole.bundle_dir / name).is_file():
            assert (rest.bundle_dir / name).read_bytes() == (whole.bundle_dir / name).read_bytes()


def test_a_resumed_run_equals_an_uninterrupted_one_to_the_last_bit(tmp_path: Path, tiny_base: Path) -> None:
    resumed_equals_uninterrupted(tmp_path, tiny_base, method="lora", packing=True, lora_dropout=0.2)


def test_so_it_does_with_all_weights_and_one_conversation_a_row(tmp_path: Path, tiny_base: Path) -> None:
    resumed_equals_uninterrupted(tmp_path, tiny_base, method="full", packing=False, gradient_checkpointing=True)


def test_bfloat16_computes_about_the_same(tmp_path: Path, tiny_base: Path) -> None:
    losses = [
        trained(chat_job(tmp_path / precision, base=tiny_base, precision=precision, max_steps=2))[0][-1].loss
        for precision in ("float32", "bfloat16")
    ]
    assert losses[0] == pytest.approx(losses[1], rel=0.02)


@pytest.mark.parametrize("method", ["lora", "full"])
def test_a_run_goes_on_from_its_parent(tmp_path: Path, tiny_base: Path, method: str) -> None:
    first = chat_job(tmp_path / "first", base=tiny_base, method=method, max_steps=20)
    ended, _, _ = trained(first)
    parent = ParentSource(name="answers@1", run_id="run-1", folder=first.bundle_dir)
    second = replace(chat_job(tmp_path / "second", base=tiny_base, method=method, seed=0), parent=parent)
    begun, _, _ = trained(second)
    assert begun[0].loss == pytest.approx(ended[-1].loss, abs=1.5)
    assert begun[0].loss < ended[0].loss - 1
    load_predictor(second.bundle_dir, tiny_base)


def test_a_parent_of_another_shape_or_base_is_refused(tmp_path: Path, tiny_base: Path) -> None:
    first = chat_job(tmp_path / "first", base=tiny_base)
    trained(first)
    parent = ParentSource(name="answers@1", run_id="run-1", folder=first.bundle_dir)
    other = other_base(tmp_path / "other", "llama")
    for changed, base, reason in (
        ({"lora_rank": 8}, tiny_base, "lora_rank: 8, but answers@1, the parent, has 4"),
        ({"method": "full"}, tiny_base, "method: full, but answers@1, the parent, has lora"),
        ({}, other, "trained on another base than tiny-qwen"),
    ):
        with pytest.raises(InvalidInputError, match=reason):
            trained(replace(chat_job(tmp_path / "second", base=base, **changed), parent=parent))


def test_qlora_is_refused_without_a_gpu_with_what_to_use_instead(tmp_path: Path, tiny_base: Path) -> None:
    with pytest.raises(TrainingFailedError, match="qlora needs a CUDA device") as caught:
        trained(chat_job(tmp_path, base=tiny_base, method="qlora"))
    assert (caught.value.cause, "method=lora" in caught.value.remedy) == ("qlora_needs_gpu", True)


def test_a_base_without_a_chat_template_is_told_by_its_cause(tmp_path: Path, tiny_base: Path) -> None:
    base = load_base(tiny_base)
    base.tokenizer.chat_template = None
    base.tokenizer.save_pretrained(tmp_path / "base")
    base.model.save_pretrained(tmp_path / "base")
    with pytest.raises(TrainingFailedError, match="no chat template") as caught:
        trained(chat_job(tmp_path, base=tmp_path / "base"))
    assert caught.value.cause == "no_chat_template"


@pytest.mark.parametrize(
    ("hyperparameters", "reason"),
    [
        ({"max_length": 5000}, "max_length: 5000 tokens are more than the base reads, which is 4096"),
        ({"max_length": 8}, "none of 24 conversations has an answer within max_length 8"),
        ({"lora_targets": "wq,wk"}, "no layer of the base is called 'wq'"),
        ({"lora_targets": "q_proj;v_proj"}, "neither 'all-linear' nor names"),
    ],
)
def test_what_does_not_fit_is_refused_by_name(
    tmp_path: Path, tiny_base: Path, hyperparameters: dict[str, Any], reason: str
) -> None:
    with pytest.raises(InvalidInputError, match=reason):
        trained(chat_job(tmp_path, base=tiny_base, **hyperparameters))


def test_cut_and_left_out_conversations_are_counted(tmp_path: Path, tiny_base: Path) -> None:
    _, _, result = trained(chat_job(tmp_path, base=tiny_base, max_length=60))
    assert result.metrics["cut_conversations"] > result.metrics["left_out_conversations"] > 0
    assert result.metrics["train_conversations"] + result.metrics["held_out_conversations"] == (
        24 - result.metrics["left_out_conversations"]
    )


def test_a_damaged_adapter_is_not_served(tmp_path: Path, tiny_base: Path) -> None:
    job = chat_job(tmp_path, base=tiny_base)
    trained(job)
    path = job.bundle_dir / "certificate.json"
    path.write_text(re.sub(r'"prompt":\[\d+,', '"prompt":[7,', path.read_text(), count=1))
    with pytest.raises(IntegrityError, match="does not answer as it was certified"):
        load_predictor(job.bundle_dir, tiny_base)


class Leaking(torch.nn.Module):
    """A network in which everything in a row is seen: it does not look at the mask."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model, self.config, self.device, self.dtype = model, model.config, model.device, model.dtype

    def forward(self, **asked: Any) -> Any:
        return self.model(**{**asked, "attention_mask": None, "position_ids": None})


def test_a_network_that_mixes_packed_conversations_is_found_out(tmp_path: Path, tiny_base: Path) -> None:
    base = load_base(tiny_base)
    job = chat_job(tmp_path, base=tiny_base)
    config = TextSftConfig(max_length=128, precision="float32")
    data = read_data(job, config, base.tokenizer)
    assert any(len(row) > 1 for row in data.train)
    check_isolated(TextTask(network=base.model, config=config, held_out=()), data.train)
    with pytest.raises(TrainingFailedError, match="does not keep packed conversations apart") as caught:
        check_isolated(TextTask(network=Leaking(base.model), config=config, held_out=()), data.train)  # type: ignore[arg-type]
    assert caught.value.cause == "packing_leaks"


def test_adapters_without_gradients_are_found_out(tmp_path: Path, tiny_base: Path) -> None:
    base = load_base(tiny_base)
    config = TextSftConfig(max_length=128, precision="float32")
    data = read_data(chat_job(tmp_path, base=tiny_base), config, base.tokenizer)
    task = TextTask(network=base.model, config=config, held_out=())
    before = torch.get_rng_state()
    check_learns(task, data.train)
    assert torch.equal(torch.get_rng_state(), before)
    for parameter in base.model.parameters():
        parameter.register_hook(torch.zeros_like)
    with pytest.raises(TrainingFailedError, match="get no gradient") as caught:
        check_learns(task, data.train)
    assert caught.value.cause == "no_gradients"


def test_adapters_for_layers_that_the_base_does_not_have_are_not_served(tmp_path: Path, tiny_base: Path) -> None:
    job = chat_job(tmp_path, base=tiny_base)
    trained(job)
    path = job.bundle_dir / "bundle.json"
    path.write_text(path.read_text().replace('"targets":"all-linear"', '"targets":"wq"'))
    with pytest.raises(IntegrityError, match="adapters do not fit its base: lora_targets: no layer"):
        load_predictor(job.bundle_dir, tiny_base)
