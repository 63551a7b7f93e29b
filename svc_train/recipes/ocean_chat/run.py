"""One attempt at `ocean-chat` from start to end: read, build, train, evaluate, save, certify."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING

import torch

from shared.modeling.bases import Base, load_base
from shared.modeling.bundle import LORA, BundleInfo, tokenizer_digest
from shared.modeling.certificate import certify_bundle
from shared.modeling.lora import add_adapters, is_adapter
from shared.modeling.ocean_chat.network import OceanChat
from shared.modeling.ocean_chat.predictor import FAMILY, OceanChatPredictor, load
from shared.modeling.ocean_chat.spec import OceanChatSpec
from shared.modeling.ocean_chat.storage import save_network, take_weights
from svc_train.recipes.base import Report, TrainingJob, TrainingResult
from svc_train.recipes.bases import base_identity, check_positions
from svc_train.recipes.conversations.base import adapters_of, needing_a_template
from svc_train.recipes.hyperparameters import parse, resolved
from svc_train.recipes.ocean_chat.config import HIDDEN, OceanChatConfig
from svc_train.recipes.ocean_chat.data import OceanChatData, read_data
from svc_train.recipes.ocean_chat.parent import geoformer_of, geoformer_spec, needed_parent, read_parent
from svc_train.recipes.ocean_chat.reading import FieldReader
from svc_train.recipes.ocean_chat.task import OceanChatTask
from svc_train.recipes.training.loop import Trainer
from svc_train.recipes.training.sampling import Shuffled
from svc_train.recipes.training.workers import join_workers

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

log = logging.getLogger(__name__)


def train(job: TrainingJob, report: Report) -> TrainingResult:
    """Train and leave a certified bundle in the job's `bundle_dir`.

    Raises:
        InvalidInputError: hyperparameters, data, base, parent or checkpoint are wrong.
        IntegrityError: the base is damaged, or the saved bundle does not answer as the trained model did.
        TrainingFailedError: the loss became NaN, or the base has no chat template.
        StoppedTrainingError: the job was asked to stop.
        FollowerDoneError: another worker saves what they trained together.
    """
    config = parse(OceanChatConfig, job.hyperparameters)
    parent = read_parent(job, config)
    spec = make_spec(config, parent)
    workers = join_workers()
    torch.manual_seed(config.seed)
    base = load_base(job.needed_base.folder)
    check_positions(base, config.max_length, name="max_length", what=f"{config.max_length} tokens")
    with needing_a_template(job):
        data = read_data(job, config, spec, base.tokenizer)
    sizes = data.counts()
    log.info("training data: %s", sizes)
    network = _network(job, config, parent, spec, base)
    task = make_task(network.to(workers.device), config, data, base.tokenizer, device=str(workers.device))
    examples = Shuffled(data.train, seed=config.seed)
    outcome = Trainer(task=task, examples=examples, config=config, job=job, report=report, workers=workers).train()
    metrics = {**outcome.metrics, **sizes}
    save_network(job.bundle_dir, _info(job, config, spec, metrics), network, base.tokenizer)
    _certify(job, network.cpu(), base.tokenizer)
    return TrainingResult(
        metrics=metrics,
        total_steps=outcome.steps,
        tokens=outcome.tokens,
        epochs=outcome.epochs,
        device=workers.device.type,
    )


def make_spec(config: OceanChatConfig, parent: BundleInfo) -> OceanChatSpec:
    """The network these hyperparameters ask for."""
    return OceanChatSpec(
        geoformer=geoformer_spec(parent),
        adapter=config.adapter,
        tokens=config.tokens,
        max_length=config.max_length,
        blind=config.fields == HIDDEN,
    )


def make_task(
    network: OceanChat,
    config: OceanChatConfig,
    data: OceanChatData,
    tokenizer: PreTrainedTokenizerBase,
    *,
    device: str = "cpu",
) -> OceanChatTask:
    """What the loop trains."""
    predictor = OceanChatPredictor(network=network, tokenizer=tokenizer, tokenizer_digest="", device=device)
    return OceanChatTask(
        network=network, reader=FieldReader(network), predictor=predictor, config=config, held_out=data.held_out
    )


def _network(
    job: TrainingJob, config: OceanChatConfig, parent: BundleInfo, spec: OceanChatSpec, base: Base
) -> OceanChat:
    """Adapters in the language model and what joins it to the Geoformer train; all else stays as it is."""
    add_adapters(base.decoder, adapters_of(config), dropout=config.lora_dropout)
    for name, parameter in base.model.named_parameters():
        parameter.requires_grad_(is_adapter(name))
    network = OceanChat(geoformer_of(job, parent), base.model, spec)
    if parent.family == FAMILY:
        take_weights(network, needed_parent(job).folder)
    return network


def _certify(job: TrainingJob, network: OceanChat, tokenizer: PreTrainedTokenizerBase) -> None:
    """Certify the bundle."""
    network.train(mode=False)
    trained = OceanChatPredictor(
        network=network, tokenizer=tokenizer, tokenizer_digest=tokenizer_digest(job.bundle_dir)
    )
    certify_bundle(job.bundle_dir, trained=trained, served=load(job.bundle_dir, job.needed_base.folder, "cpu"))


def _info(job: TrainingJob, config: OceanChatConfig, spec: OceanChatSpec, metrics: Mapping[str, float]) -> BundleInfo:
    return BundleInfo(
        family=FAMILY,
        recipe="ocean-chat",
        method=LORA,
        base=base_identity(job),
        spec=spec.to_json(),
        lora=adapters_of(config).to_json(),
        hyperparameters=resolved(config),
        metrics=metrics,
        dtype="float32",
    )
