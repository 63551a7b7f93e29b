"""Going on from a model version that `series-lm` made: its labels, and its weights."""

from __future__ import annotations

from shared.modeling.bundle import BundleInfo
from shared.modeling.series.network import SeriesLM
from shared.modeling.series.predictor import FAMILY
from shared.modeling.series.spec import parse_spec
from shared.modeling.series.storage import load_network
from svc_train.recipes.base import TrainingJob
from svc_train.recipes.parents import check_adapters, check_parents_base, check_same, read_bundle
from svc_train.recipes.series_lm.config import SeriesLMConfig


def read_parent(job: TrainingJob, config: SeriesLMConfig) -> BundleInfo | None:
    """What the parent says of itself; None without one.

    Raises:
        InvalidInputError: it is of another family, method, network or base than this run asks for.
        IntegrityError: its bundle is damaged.
    """
    if job.parent is None:
        return None
    info = read_bundle(job.parent, families=(FAMILY,))
    check_same(job.parent, "method", config.method, info.method)
    check_adapters(job.parent, info, config, names=("rank", "alpha"))
    spec = parse_spec(info.spec)
    for name in ("window", "patch"):
        check_same(job.parent, name, getattr(config, name), getattr(spec, name))
    check_parents_base(job.parent, info, job)
    return info


def take_weights(network: SeriesLM, job: TrainingJob, info: BundleInfo) -> None:
    """Give the network the parent's weights."""
    assert job.parent is not None
    network.load_state_dict(load_network(job.parent.folder, job.needed_base.folder, info).state_dict())
