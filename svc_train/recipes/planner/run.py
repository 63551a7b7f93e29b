"""One attempt at `planner` from start to end: read, build, train, evaluate, save, certify."""

from __future__ import annotations

import logging
from collections.abc import Mapping

import torch

from shared.errors import InvalidInputError
from shared.modeling import bundle
from shared.modeling.bases import Base, load_base
from shared.modeling.bundle import BundleInfo, tokenizer_digest
from shared.modeling.certificate import certify_bundle
from shared.modeling.lora import LoraSpec, add_adapters
from shared.modeling.planner.network import PlannerLM
from shared.modeling.planner.predictor import FAMILY, PlannerPredictor, load
from shared.modeling.planner.spec import PlannerSpec
from shared.modeling.planner.storage import save_network
from shared.modeling.planner.tensors import prompt_ids
from svc_train.recipes.base import Report, TrainingJob, TrainingResult
from svc_train.recipes.bases import base_identity, check_positions
from svc_train.recipes.hyperparameters import FIELD, parse, resolved
from svc_train.recipes.planner.config import TARGETS, PlannerConfig
from svc_train.recipes.planner.data import PlanData, read_data
from svc_train.recipes.planner.parent import read_parent, take_parent
from svc_train.recipes.planner.task import PlannerTask
from svc_train.recipes.training.loop import Trainer
from svc_train.recipes.training.sampling import Shuffled
from svc_train.recipes.training.workers import join_workers

CHECKED_AT_ONCE = 1000
log = logging.getLogger(__name__)


def train(job: TrainingJob, report: Report) -> TrainingResult:
    """Train and leave a certified bundle in the job's `bundle_dir`.

    Raises:
        InvalidInputError: hyperparameters, data, base, parent or checkpoint are wrong.
        IntegrityError: profile or base are damaged, or the saved bundle does not answer as the trained model did.
        TrainingFailedError: the loss became NaN.
        StoppedTrainingError: the job was asked to stop.
        FollowerDoneError: another worker saves what they trained together.
    """
    config = parse(PlannerConfig, job.hyperparameters)
    data = read_data(job, config)
    sizes = {"train_plans": float(len(data.train)), "held_out_plans": float(len(data.held_out))}
    log.info("training data: %s", sizes)
    spec = config.spec(window=data.window, capacity=tuple(data.demand.capacity.tolist()))
    parent = read_parent(job, config, data.profile, spec)
    workers = join_workers()
    torch.manual_seed(config.seed)
    base = load_base(job.needed_base.folder)
    _check_prompts(data, spec, base)
    network = build_network(base, spec, config, data)
    if parent is not None:
        take_parent(network, job, parent, data.profile)
    network.to(workers.device)
    task = PlannerTask(
        network=network,
        predictor=_predictor(network, base, spec, data, digest=""),
        tokenizer=base.tokenizer,
        spec=spec,
        config=config,
        data=data,
    )
    examples = Shuffled(data.train, seed=config.seed)
    outcome = Trainer(task=task, examples=examples, config=config, job=job, report=report, workers=workers).train()
    metrics = {**outcome.metrics, **sizes}
    save_network(job.bundle_dir, _info(job, config, spec, metrics), network, base.tokenizer, data.profile)
    digest = tokenizer_digest(job.bundle_dir)
    trained = _predictor(network.cpu(), base, spec, data, digest=digest)
    certify_bundle(job.bundle_dir, trained=trained, served=load(job.bundle_dir, job.needed_base.folder, "cpu"))
    return TrainingResult(
        metrics=metrics,
        total_steps=outcome.steps,
        tokens=outcome.tokens,
        epochs=outcome.epochs,
        device=workers.device.type,
    )


def build_network(base: Base, spec: PlannerSpec, config: PlannerConfig, data: PlanData) -> PlannerLM:
    """The untrained network: adapters, temporal encoder and heads train.

    Raises:
        InvalidInputError: a prompt has more tokens than the base has positions, or the base has no such layers.
    """
    prefix = 1 + spec.prefix
    what = f"{spec.max_tokens} tokens and a prefix of {prefix}"
    check_positions(base, prefix + spec.max_tokens, name="max_tokens", what=what)
    add_adapters(base.decoder, _lora(config), dropout=config.lora_dropout)
    return PlannerLM(base.decoder, data.profile, spec, opening_id=base.opening_id)


def _check_prompts(data: PlanData, spec: PlannerSpec, base: Base) -> None:
    """InvalidInputError names a task that is too long, before hours of training come to it."""
    everything = [plan.asked for plan in (*data.train, *data.held_out)]
    for start in range(0, len(everything), CHECKED_AT_ONCE):
        asked = everything[start : start + CHECKED_AT_ONCE]
        for one, row in zip(asked, prompt_ids(asked, spec, base.tokenizer), strict=True):
            if len(row) > spec.max_tokens:
                reason = f"{one.id!r} has {len(row)} tokens with its prompt, more than {spec.max_tokens}: raise it"
                raise InvalidInputError.of(f"{FIELD}.max_tokens", reason)


def _lora(config: PlannerConfig) -> LoraSpec:
    return LoraSpec(rank=config.lora_rank, alpha=config.lora_alpha, targets=TARGETS)


def _predictor(network: PlannerLM, base: Base, spec: PlannerSpec, data: PlanData, *, digest: str) -> PlannerPredictor:
    return PlannerPredictor(
        network=network, tokenizer=base.tokenizer, spec=spec, profile=data.profile, tokenizer_digest=digest
    )


def _info(job: TrainingJob, config: PlannerConfig, spec: PlannerSpec, metrics: Mapping[str, float]) -> BundleInfo:
    return BundleInfo(
        family=FAMILY,
        recipe="planner",
        method=bundle.LORA,
        base=base_identity(job),
        spec=spec.to_json(),
        lora=_lora(config).to_json(),
        hyperparameters=resolved(config),
        metrics=metrics,
        dtype="float32",
    )
