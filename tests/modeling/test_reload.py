"""What is saved is what was trained: bit for bit, for both methods, in a fresh object."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from shared.errors import IntegrityError
from shared.modeling.bases import load_base
from shared.modeling.bundle import read_info
from shared.modeling.certificate import load_certificate
from shared.modeling.predictor import load_predictor
from shared.modeling.series.network import SeriesLM
from shared.modeling.series.predictor import load
from shared.modeling.series.spec import SeriesSpec
from shared.modeling.series.storage import load_network, save_network
from shared.modeling.series.tensors import encode_windows
from shared.modeling.series.values import SeriesInput
from svc_train.recipes.base import Progress, TrainingJob
from svc_train.recipes.hyperparameters import resolved
from svc_train.recipes.series_lm import RECIPE
from svc_train.recipes.series_lm.config import SeriesLMConfig, tiny
from svc_train.recipes.series_lm.data import read_data
from svc_train.recipes.series_lm.run import build_network, make_task
from svc_train.recipes.series_lm.sampling import WindowSampler
from svc_train.recipes.training.loop import Trainer
from svc_train.recipes.training.workers import Workers
from tests.modeling.jobs import spiked_job
from tests.modeling.samples import beat, info, other_base

pytestmark = pytest.mark.heavy

METHODS = ("full", "lora")


def _trained(job: TrainingJob, config: SeriesLMConfig) -> tuple[SeriesLM, SeriesSpec]:
    data = read_data(job, config)
    spec = config.spec(data.labels)
    torch.manual_seed(config.seed)
    base = load_base(job.base.folder)
    network = build_network(base, spec, config)
    Trainer(
        task=make_task(job, network, base.tokenizer, config, data),
        examples=WindowSampler(data.train, config),
        config=config,
        job=job,
        report=lambda _: None,
        workers=Workers(rank=0, size=1, device=torch.device("cpu")),
    ).train()
    return network.eval(), spec


@pytest.mark.parametrize("method", METHODS)
def test_logits_are_bit_equal_after_reload(tmp_path: Path, tiny_base: Path, method: str):
    config = SeriesLMConfig(**{**resolved(tiny()), "method": method})
    network, spec = _trained(spiked_job(tmp_path, base=tiny_base), config)
    tokenizer = load_base(tiny_base).tokenizer
    described = info(tiny_base, method=method, spec=spec)
    save_network(tmp_path / "bundle", described, network, tokenizer)
    fresh = load_network(tmp_path / "bundle", tiny_base, read_info(tmp_path / "bundle"))
    batch = encode_windows([beat(64, seed=5), beat(40, seed=6)], spec, tokenizer)
    with torch.inference_mode():
        wanted, found = network(batch), fresh(batch)
    assert torch.equal(wanted.score_BT, found.score_BT)
    assert torch.equal(wanted.label_BTL, found.label_BTL)
    assert wanted.score_BT.std() > 0


def test_lora_trains_adapters_encoder_and_head_and_nothing_else(tmp_path: Path, tiny_base: Path):
    config = SeriesLMConfig(**{**resolved(tiny()), "method": "lora"})
    network, _ = _trained(spiked_job(tmp_path, base=tiny_base), config)
    trained = {name for name, parameter in network.named_parameters() if parameter.requires_grad}
    assert all("lora_" in name for name in trained if name.startswith("decoder."))
    assert {name for name, _ in network.named_parameters() if not name.startswith("decoder.")} <= trained
    base = dict(load_base(tiny_base).decoder.named_parameters())
    frozen = {n: p for n, p in network.decoder.named_parameters() if "lora_" not in n}
    assert len(frozen) == len(base)
    for name, parameter in frozen.items():
        assert torch.equal(parameter, base[name.replace(".base_layer", "")]), name
    second = [p for n, p in network.named_parameters() if "lora_B" in n]
    assert all(parameter.abs().max() > 0 for parameter in second), "an adapter was never trained"


@pytest.mark.parametrize("method", METHODS)
def test_a_recipe_leaves_a_certified_bundle_of_plain_files(tmp_path: Path, tiny_base: Path, method: str):
    job = spiked_job(tmp_path, base=tiny_base, **{**resolved(tiny()), "method": method})
    told: list[Progress] = []
    result = RECIPE.train(job, told.append)
    assert [progress.step for progress in told] == [1, 2, 3, 4, 5, 6]
    assert told[-1].metrics.keys() <= result.metrics.keys()
    assert result.tokens == told[-1].tokens > 0
    names = {path.name for path in job.bundle_dir.iterdir()}
    weights = {"model.safetensors", "config.json"} if method == "full" else {"adapter.safetensors", "heads.safetensors"}
    assert names == weights | {
        "bundle.json",
        "certificate.json",
        "chat_template.jinja",
        "tokenizer.json",
        "tokenizer_config.json",
    }
    assert {path.stat().st_mode & 0o777 for path in job.bundle_dir.iterdir()} == {0o644}
    assert str(tmp_path) not in "".join(p.read_text() for p in job.bundle_dir.glob("*.json")), "a path of this machine"
    described = read_info(job.bundle_dir)
    assert described.hyperparameters["method"] == method
    assert described.labels == ("spike",)
    predictor = load_predictor(job.bundle_dir, None if method == "full" else tiny_base)
    [answer] = predictor.predict([SeriesInput(id="a", channels=("x",), values=beat(300)[:, None])])
    assert answer.scores.shape == (300, 1)


def test_an_adapter_refuses_another_base_and_names_both(tmp_path: Path, tiny_base: Path):
    job = spiked_job(tmp_path, base=tiny_base, **{**resolved(tiny()), "method": "lora"})
    RECIPE.train(job, lambda _: None)
    stranger = other_base(tmp_path / "stranger", "llama")
    wanted = read_info(job.bundle_dir).base.content_digest[:12]
    with pytest.raises(IntegrityError, match=rf"'tiny-qwen'.*{wanted}.*this one has the content [0-9a-f]{{12}}"):
        load_predictor(job.bundle_dir, stranger)
    with pytest.raises(IntegrityError, match="no base was given"):
        load_predictor(job.bundle_dir, None)


def test_a_certificate_catches_changed_weights(tmp_path: Path, tiny_base: Path):
    job = spiked_job(tmp_path, base=tiny_base, **resolved(tiny()))
    RECIPE.train(job, lambda _: None)
    network = load_network(job.bundle_dir, None, read_info(job.bundle_dir))
    with torch.no_grad():
        network.head.mlp[-1].bias += 1.0
    certificate = (job.bundle_dir / "certificate.json").read_bytes()
    save_network(job.bundle_dir, read_info(job.bundle_dir), network, load_base(tiny_base).tokenizer)
    (job.bundle_dir / "certificate.json").write_bytes(certificate)
    with pytest.raises(IntegrityError, match="does not answer as it was certified: golden input 0: a score is off"):
        load_predictor(job.bundle_dir, None)


def test_a_certificate_made_in_float32_holds_in_bfloat16(tmp_path: Path, tiny_base: Path):
    job = spiked_job(tmp_path, base=tiny_base, **{**resolved(tiny()), "max_steps": 30, "learning_rate": 0.003})
    RECIPE.train(job, lambda _: None)
    predictor = load(job.bundle_dir, None, "cpu")
    predictor._network.decoder.to(dtype=torch.bfloat16)
    assert predictor.dtype == "bfloat16"
    load_certificate(job.bundle_dir).replay(predictor)


@pytest.mark.parametrize("architecture", ["llama", "qwen3"])
@pytest.mark.parametrize("method", METHODS)
def test_other_causal_language_models_are_bases_too(tmp_path: Path, architecture: str, method: str):
    base = other_base(tmp_path / "base", architecture)
    job = spiked_job(tmp_path, base=base, **{**resolved(tiny()), "method": method, "max_steps": 2})
    RECIPE.train(job, lambda _: None)
    predictor = load_predictor(job.bundle_dir, base)
    [answer] = predictor.predict([SeriesInput(id="a", channels=("x",), values=beat(70)[:, None])])
    assert np.isfinite(answer.scores).all()
