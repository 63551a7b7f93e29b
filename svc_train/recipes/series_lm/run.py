"""One attempt at `series-lm` from start to end: read, build, train, evaluate, save, certify."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING

import torch

from shared.modeling.bases import Base, load_base
from shared.modeling.bundle import BundleInfo, tokenizer_digest
from shared.modeling.certificate import certify_bundle
from shared.modeling.lora import LoraSpec, add_adapters
from shared.modeling.series.network import SeriesLM
from shared.modeling.series.predictor import FAMILY, SeriesPredictor, load
from shared.modeling.series.spec import SeriesSpec
from shared.modeling.series.storage import save_network
from svc_train.recipes.base import Report, TrainingJob, TrainingResult
from svc_train.recipes.bases import base_identity, check_positions
from svc_train.recipes.hyperparameters import parse, resolved
from svc_train.recipes.series_lm.config import LORA, SeriesLMConfig
from svc_train.recipes.series_lm.data import TrainingData, counts, read_data
from svc_train.recipes.series_lm.parent import read_parent, take_weights
from svc_train.recipes.series_lm.sampling import WindowSampler
from svc_train.recipes.series_lm.task import SeriesTask
from svc_train.recipes.training.loop import Trainer
from svc_train.recipes.training.workers import join_workers

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

# Positions kept for the text in front of the patches.
PROMPT_ROOM = 64

log = logging.getLogger(__name__)


def train(job: TrainingJob, report: Report) -> TrainingResult:
    """Train and leave a certified bundle in the job's `bundle_dir`.

    Raises:
        InvalidInputError: hyperparameters, data, base, parent or checkpoint are wrong.
        IntegrityError: the base is damaged, or the saved bundle does not answer as the trained model did.
        TrainingFailedError: the loss became NaN.
        StoppedTrainingError: the job was asked to stop.
        FollowerDoneError: another worker saves what they trained together.
    """
    config = parse(SeriesLMConfig, job.hyperparameters)
    parent = read_parent(job, config)
    data = read_data(job, config, known_labels=parent.labels if parent else ())
    sizes = counts(data)
    log.info("training data: %s, labels: %s", sizes, ", ".join(data.labels))
    workers = join_workers()
    torch.manual_seed(config.seed)
    spec = config.spec(data.labels)
    base = load_base(job.needed_base.folder)
    network = build_network(base, spec, config)
    if parent is not None:
        take_weights(network, job, parent)
    task = make_task(job, network.to(workers.device), base.tokenizer, config, data)
    trainer = Trainer(
        task=task,
        examples=WindowSampler(data.train, config),
        config=config,
        job=job,
        report=report,
        workers=workers,
    )
    outcome = trainer.train()
    metrics = {**outcome.metrics, **sizes}
    save_network(job.bundle_dir, _info(job, config, spec, metrics), network, base.tokenizer)
    _certify(job, network, base.tokenizer, spec)
    return TrainingResult(
        metrics=metrics,
        total_steps=outcome.steps,
        tokens=outcome.tokens,
        epochs=outcome.epochs,
        device=workers.device.type,
    )


def make_task(
    job: TrainingJob,
    network: SeriesLM,
    tokenizer: PreTrainedTokenizerBase,
    config: SeriesLMConfig,
    data: TrainingData,
) -> SeriesTask:
    """What the loop trains."""
    spec = config.spec(data.labels)
    predictor = SeriesPredictor(
        network=network, tokenizer=tokenizer, spec=spec, tokenizer_digest=tokenizer_digest(job.needed_base.folder)
    )
    return SeriesTask(
        network=network, predictor=predictor, tokenizer=tokenizer, spec=spec, config=config, held_out=data.held_out
    )


def build_network(base: Base, spec: SeriesSpec, config: SeriesLMConfig) -> SeriesLM:
    """The untrained network: everything of it trains (full), or adapters, encoder and head (lora).

    Raises:
        InvalidInputError: a window has more patches than the base has positions.
    """
    what = f"{spec.window} points, {spec.patches} patches of {spec.patch}, and {PROMPT_ROOM} positions for the prompt"
    check_positions(base, spec.patches + PROMPT_ROOM, name="window", what=what)
    if config.method == LORA:
        shape = LoraSpec(rank=config.lora_rank, alpha=config.lora_alpha)
        add_adapters(base.decoder, shape, dropout=config.lora_dropout)
    return SeriesLM(base.decoder, spec, dropout=config.dropout)


def _certify(job: TrainingJob, network: SeriesLM, tokenizer: PreTrainedTokenizerBase, spec: SeriesSpec) -> None:
    """Certify the bundle."""
    trained = SeriesPredictor(
        network=network.cpu(), tokenizer=tokenizer, spec=spec, tokenizer_digest=tokenizer_digest(job.bundle_dir)
    )
    certify_bundle(job.bundle_dir, trained=trained, served=load(job.bundle_dir, job.needed_base.folder, "cpu"))


def _info(job: TrainingJob, config: SeriesLMConfig, spec: SeriesSpec, metrics: Mapping[str, float]) -> BundleInfo:
    lora = LoraSpec(rank=config.lora_rank, alpha=config.lora_alpha).to_json() if config.method == LORA else {}
    return BundleInfo(
        family=FAMILY,
        recipe="series-lm",
        method=config.method,
        base=base_identity(job),
        spec=spec.to_json(),
        lora=lora,
        hyperparameters=resolved(config),
        metrics=metrics,
        dtype="float32",
    )
