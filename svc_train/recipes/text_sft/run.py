"""One attempt at `text-sft` from start to end: read, build, train, evaluate, save, certify."""

from __future__ import annotations

import logging
from collections.abc import Mapping

import torch

from shared.modeling import bundle
from shared.modeling.bases import Base
from shared.modeling.bundle import BundleInfo, tokenizer_digest
from shared.modeling.certificate import certify_bundle
from shared.modeling.text.predictor import FAMILY, TextPredictor, load
from shared.modeling.text.spec import TextSpec
from shared.modeling.text.storage import save_model
from svc_train.recipes.base import Report, TrainingJob, TrainingResult
from svc_train.recipes.bases import base_identity
from svc_train.recipes.conversations.base import adapters_of, needing_a_template
from svc_train.recipes.hyperparameters import parse, resolved
from svc_train.recipes.text_sft.checks import check_isolated, check_learns
from svc_train.recipes.text_sft.config import FULL, LLAMAFACTORY, QLORA, TextSftConfig
from svc_train.recipes.text_sft.data import counts, read_data
from svc_train.recipes.text_sft.llamafactory.engine import train_with_llamafactory
from svc_train.recipes.text_sft.network import check_device, load_network
from svc_train.recipes.text_sft.parent import read_parent, take_parent
from svc_train.recipes.text_sft.task import TextTask
from svc_train.recipes.training.loop import Trainer
from svc_train.recipes.training.sampling import Shuffled
from svc_train.recipes.training.workers import join_workers

log = logging.getLogger(__name__)


def train(job: TrainingJob, report: Report) -> TrainingResult:
    """Train and leave a certified bundle in the job's `bundle_dir`.

    Raises:
        InvalidInputError: hyperparameters, data, base, parent or checkpoint are wrong.
        IntegrityError: the base is damaged, or the saved bundle does not answer as the trained model did.
        TrainingFailedError: the loss became NaN; or the base has no chat template, the method does not work on this
            device, the network mixes packed conversations.
        StoppedTrainingError: the job was asked to stop.
        FollowerDoneError: another worker saves what they trained together.
    """
    config = parse(TextSftConfig, job.hyperparameters)
    workers = join_workers()
    check_device(config, workers.device)
    parent = read_parent(job, config)
    torch.manual_seed(config.seed)
    base = load_network(job.needed_base.folder, config, workers.device)
    with needing_a_template(job):
        data = read_data(job, config, base.tokenizer)
    sizes = counts(data)
    log.info("training data: %s", sizes)
    if parent is not None:
        take_parent(base.model, job, parent)
    task = TextTask(network=base.model, config=config, held_out=data.held_out)
    check_isolated(task, data.train)
    if config.method == QLORA:
        check_learns(task, data.train)
    if config.engine == LLAMAFACTORY:
        outcome = train_with_llamafactory(job, config, data, task, report)
    else:
        examples = Shuffled(data.train, seed=config.seed)
        outcome = Trainer(task=task, examples=examples, config=config, job=job, report=report, workers=workers).train()
    metrics = {**outcome.metrics, **sizes}
    save_model(job.bundle_dir, _info(job, config, metrics), base.model, base.tokenizer)
    _certify(job, config, base)
    return TrainingResult(
        metrics=metrics,
        total_steps=outcome.steps,
        tokens=outcome.tokens,
        epochs=outcome.epochs,
        device=workers.device.type,
    )


def _certify(job: TrainingJob, config: TextSftConfig, base: Base) -> None:
    """Certify the bundle.

    Adapters that were trained on a base in 4 bits are served on the base as it is: there the served model is certified.
    """
    trained = TextPredictor(
        model=base.model.cpu(),
        tokenizer=base.tokenizer,
        spec=TextSpec(max_length=config.max_length),
        tokenizer_digest=tokenizer_digest(job.bundle_dir),
    )
    served = load(job.bundle_dir, job.needed_base.folder, "cpu")
    certify_bundle(job.bundle_dir, trained=served if config.method == QLORA else trained, served=served)


def _info(job: TrainingJob, config: TextSftConfig, metrics: Mapping[str, float]) -> BundleInfo:
    return BundleInfo(
        family=FAMILY,
        recipe="text-sft",
        method=bundle.FULL if config.method == FULL else bundle.LORA,
        base=base_identity(job),
        spec=TextSpec(max_length=config.max_length).to_json(),
        lora={} if config.method == FULL else adapters_of(config).to_json(),
        hyperparameters=resolved(config),
        metrics=metrics,
        dtype="float32",
    )
