"""One attempt at `planner-encoder` from start to end: read, build, train, look back, save, certify."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence

import numpy as np
import torch

from shared.errors import InvalidInputError
from shared.modeling.bases import load_base
from shared.modeling.bundle import FROZEN, BundleInfo, read_info, tokenizer_digest
from shared.modeling.certificate import certify_bundle
from shared.modeling.opening import made_earlier
from shared.modeling.planner_encoder.network import PlannerEncoder
from shared.modeling.planner_encoder.predictor import FAMILY, EncoderPredictor, load
from shared.modeling.planner_encoder.spec import EncoderSpec, parse_spec, spec_for
from shared.modeling.planner_encoder.storage import config_weights, load_encoder, save_encoder, write_report
from shared.modeling.planner_encoder.tensors import encode_descriptions
from shared.planning.profile import read_profile
from shared.planning.template import descriptions
from svc_train.recipes.base import Report, TrainingJob, TrainingResult
from svc_train.recipes.bases import base_identity
from svc_train.recipes.hyperparameters import parse, resolved
from svc_train.recipes.parents import check_parents_base, read_bundle
from svc_train.recipes.planner_encoder.config import PlannerEncoderConfig
from svc_train.recipes.planner_encoder.reconstruction import reconstruction
from svc_train.recipes.planner_encoder.task import EncoderTask
from svc_train.recipes.training.loop import Trainer
from svc_train.recipes.training.sampling import Shuffled
from svc_train.recipes.training.workers import join_workers

log = logging.getLogger(__name__)


def train(job: TrainingJob, report: Report) -> TrainingResult:
    """Train and leave a certified bundle in the job's `bundle_dir`.

    Raises:
        InvalidInputError: hyperparameters, base, parent or checkpoint are wrong.
        IntegrityError: profile or base are damaged, or the saved bundle does not answer as the trained model did.
        TrainingFailedError: the loss became NaN.
        StoppedTrainingError: the job was asked to stop.
        FollowerDoneError: another worker saves what they trained together.
    """
    config = parse(PlannerEncoderConfig, job.hyperparameters)
    parent = _parent(job)
    profile = read_profile(job.training_set.folder)
    log.info("%d configurations of %d tools", len(profile.numbers), len(profile.tools))
    workers = join_workers()
    torch.manual_seed(config.seed)
    base = load_base(job.needed_base.folder)
    spec = parse_spec(parent.spec) if parent else spec_for(profile)
    network = PlannerEncoder(base, spec, profile)
    if job.parent is not None and parent is not None:
        known, _ = load_encoder(job.parent.folder, base, read_info(job.parent.folder))
        network.encoder.load_state_dict(known.encoder.state_dict())
    learnt = _spread(len(profile.numbers), config.limit_train)
    task = EncoderTask(
        network=network.to(workers.device),
        config=config,
        profile=profile,
        rows=encode_descriptions(descriptions(profile), base.tokenizer),
        held=_spread(len(profile.numbers), config.limit_eval),
    )
    examples = Shuffled(learnt, seed=config.seed)
    outcome = Trainer(task=task, examples=examples, config=config, job=job, report=report, workers=workers).train()
    metrics = {**outcome.metrics, "configurations": float(len(profile.numbers))}
    info = _info(job, config, spec, metrics)
    save_encoder(job.bundle_dir, info, network, base.tokenizer, profile)
    write_report(job.bundle_dir, reconstruction(task, base.tokenizer))
    trained = EncoderPredictor(
        base=base,
        network=network.cpu(),
        profile=profile,
        weights_NH=config_weights(network, profile),
        tokenizer_digest=tokenizer_digest(job.bundle_dir),
    )
    certify_bundle(job.bundle_dir, trained=trained, served=load(job.bundle_dir, job.needed_base.folder, "cpu"))
    return TrainingResult(
        metrics=metrics,
        total_steps=outcome.steps,
        tokens=outcome.tokens,
        epochs=outcome.epochs,
        device=workers.device.type,
    )


def _parent(job: TrainingJob) -> BundleInfo | None:
    if job.parent is None:
        return None
    info = read_bundle(job.parent, families=(FAMILY,))
    if reason := made_earlier(info.spec):
        raise InvalidInputError.of("parent", f"{job.parent.name} was {reason}")
    check_parents_base(job.parent, info, job)
    return info


def _spread(count: int, limit: int) -> Sequence[int]:
    """All places, or so many of them at equal distances."""
    places = np.linspace(0, count - 1, min(limit or count, count)).round().astype(int)
    return [int(place) for place in np.unique(places)]


def _info(
    job: TrainingJob, config: PlannerEncoderConfig, spec: EncoderSpec, metrics: Mapping[str, float]
) -> BundleInfo:
    return BundleInfo(
        family=FAMILY,
        recipe="planner-encoder",
        method=FROZEN,
        base=base_identity(job),
        spec=spec.to_json(),
        lora={},
        hyperparameters=resolved(config),
        metrics=metrics,
        dtype="float32",
    )
