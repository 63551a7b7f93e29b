"""Going on from a planner-encoder, whose embeddings the config head begins with, or from a planner."""

from __future__ import annotations

from shared.errors import InvalidInputError
from shared.modeling.bundle import BundleInfo
from shared.modeling.opening import made_earlier
from shared.modeling.planner import predictor as planner
from shared.modeling.planner.lookup import difference, read_lookup
from shared.modeling.planner.network import PlannerLM
from shared.modeling.planner.spec import PlannerSpec, parse_spec
from shared.modeling.planner.storage import load_network
from shared.modeling.planner_encoder import predictor as encoder
from shared.modeling.planner_encoder.storage import read_config_weights
from shared.planning.profile import Profile
from svc_train.recipes.base import TrainingJob
from svc_train.recipes.hyperparameters import FIELD
from svc_train.recipes.parents import check_adapters, check_parents_base, check_same, read_bundle
from svc_train.recipes.planner.config import ENCODER, RANDOM, PlannerConfig


def read_parent(job: TrainingJob, config: PlannerConfig, profile: Profile, spec: PlannerSpec) -> BundleInfo | None:
    """What the parent says of itself; None without one.

    Raises:
        InvalidInputError: `init` wants an encoder and there is none, or has no use for the one there is; the parent is
            of another family, profile, network or base than this run asks for, or of an earlier release.
        IntegrityError: its bundle is damaged.
    """
    if job.parent is None:
        if config.init == ENCODER:
            reason = f"{ENCODER} begins with a planner-encoder: name one as the parent, or set init to {RANDOM}"
            raise InvalidInputError.of(f"{FIELD}.init", reason)
        return None
    info = read_bundle(job.parent, families=(encoder.FAMILY, planner.FAMILY))
    if reason := made_earlier(info.spec):
        raise InvalidInputError.of("parent", f"{job.parent.name} was {reason}")
    different = difference(read_lookup(job.parent.folder), profile)
    if different:
        reason = f"{job.parent.name} was trained for another profile than {job.training_set.name}: {different}"
        raise InvalidInputError.of("parent", reason)
    check_parents_base(job.parent, info, job)
    if info.family == planner.FAMILY:
        check_adapters(job.parent, info, config, names=("rank", "alpha"))
        known = parse_spec(info.spec)
        for name in ("config_head", "prefix", "channels", "bands"):
            check_same(job.parent, name, getattr(spec, name), getattr(known, name))
        _check_states(job, known, spec)
    elif config.init == RANDOM:
        reason = (
            f"{RANDOM} has no use for {job.parent.name}, a planner-encoder: set init to {ENCODER}, or name no parent"
        )
        raise InvalidInputError.of(f"{FIELD}.init", reason)
    return info


def take_parent(network: PlannerLM, job: TrainingJob, info: BundleInfo, profile: Profile) -> None:
    """Give the network the parent's weights, or its config head the parent's embeddings."""
    assert job.parent is not None
    if info.family == planner.FAMILY:
        known, _ = load_network(job.parent.folder, job.needed_base.folder, info)
        network.load_state_dict(known.state_dict())
    else:
        hidden = network.decoder.config.hidden_size
        network.config_head.start_from(read_config_weights(job.parent.folder, profile, hidden=hidden))


def _check_states(job: TrainingJob, known: PlannerSpec, wanted: PlannerSpec) -> None:
    assert job.parent is not None
    for name in ("window", "capacity"):
        if getattr(known, name) != getattr(wanted, name):
            reason = (
                f"{job.parent.name} reads states of the {name} {getattr(known, name)}; those of "
                f"{job.training_set.name} are of {getattr(wanted, name)}"
            )
            raise InvalidInputError.of("parent", reason)
