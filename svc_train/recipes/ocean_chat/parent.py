"""Going on from a parent: a Geoformer that reads the fields, or a model that this recipe made before."""

from __future__ import annotations

from shared.errors import InvalidInputError
from shared.modeling.bundle import BundleInfo
from shared.modeling.geoformer.network import Geoformer
from shared.modeling.geoformer.predictor import FAMILY as GEOFORMER
from shared.modeling.geoformer.spec import GeoformerSpec
from shared.modeling.geoformer.spec import parse_spec as parse_geoformer
from shared.modeling.geoformer.storage import load_forecaster
from shared.modeling.ocean_chat.predictor import FAMILY
from shared.modeling.ocean_chat.spec import parse_spec
from svc_train.recipes.base import ParentSource, TrainingJob
from svc_train.recipes.ocean_chat.config import OceanChatConfig
from svc_train.recipes.parents import check_adapters, check_parents_base, check_same, read_bundle


def needed_parent(job: TrainingJob) -> ParentSource:
    """The parent; InvalidInputError when there is none."""
    if job.parent is None:
        reason = "is missing: name the Geoformer that reads the fields, or an ocean-chat version to go on from"
        raise InvalidInputError.of("parent", reason)
    return job.parent


def read_parent(job: TrainingJob, config: OceanChatConfig) -> BundleInfo:
    """What the parent says of itself.

    Raises:
        InvalidInputError: there is none, or it is of another family, adapters or base than this run asks for.
        IntegrityError: its bundle is damaged.
    """
    parent = needed_parent(job)
    info = read_bundle(parent, families=(GEOFORMER, FAMILY))
    if info.family == FAMILY:
        check_adapters(parent, info, config, names=("rank", "alpha", "targets"))
        for name in ("adapter", "tokens"):
            check_same(parent, name, getattr(config, name), getattr(parse_spec(info.spec), name))
        check_parents_base(parent, info, job)
    return info


def geoformer_spec(info: BundleInfo) -> GeoformerSpec:
    """The parent's, whichever of the two it is."""
    return parse_geoformer(info.spec) if info.family == GEOFORMER else parse_spec(info.spec).geoformer


def geoformer_of(job: TrainingJob, info: BundleInfo) -> Geoformer:
    """The network that reads fields; of an ocean-chat parent its weights come with all others."""
    if info.family == GEOFORMER:
        return load_forecaster(needed_parent(job).folder, info).ensemble.first
    return Geoformer(geoformer_spec(info))
