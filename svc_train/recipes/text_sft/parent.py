"""Going on from a model version that `text-sft` made: its weights, or its adapters."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.modeling.bundle import BundleInfo
from shared.modeling.text.predictor import FAMILY
from shared.modeling.text.storage import take_weights
from svc_train.recipes.base import TrainingJob
from svc_train.recipes.parents import check_adapters, check_parents_base, differs, read_bundle
from svc_train.recipes.text_sft.config import FULL, TextSftConfig

if TYPE_CHECKING:
    from transformers import PreTrainedModel


def read_parent(job: TrainingJob, config: TextSftConfig) -> BundleInfo | None:
    """What the parent says of itself; None without one.

    Raises:
        InvalidInputError: it is of another family, method, adapters or base than this run asks for.
        IntegrityError: its bundle is damaged.
    """
    if job.parent is None:
        return None
    info = read_bundle(job.parent, families=(FAMILY,))
    # Adapters are adapters, whether the base was in 4 bits while they were trained or not.
    if (info.method == FULL) != (config.method == FULL):
        raise differs(job.parent, "method", config.method, info.method)
    check_adapters(job.parent, info, config, names=("rank", "alpha", "targets"))
    check_parents_base(job.parent, info, job)
    return info


def take_parent(model: PreTrainedModel, job: TrainingJob, info: BundleInfo) -> None:
    """Give the network what the parent has learnt."""
    assert job.parent is not None
    take_weights(model, job.parent.folder, info)
