"""Going on from a model version that `text-sft` made: its weights, or its adapters."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.errors import IntegrityError, InvalidInputError
from shared.modeling.bundle import LORA, BundleInfo, check_base, read_info
from shared.modeling.text.predictor import FAMILY
from shared.modeling.text.storage import take_weights
from svc_train.recipes.base import ParentSource, TrainingJob
from svc_train.recipes.hyperparameters import FIELD
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
    info = read_info(job.parent.folder)
    if info.family != FAMILY:
        raise InvalidInputError.of("parent", f"{job.parent.name} is of the family {info.family}, not {FAMILY}")
    # Adapters are adapters, whether the base was in 4 bits while they were trained or not.
    if (info.method == FULL) != (config.method == FULL):
        raise _differs("method", config.method, job.parent, info.method)
    if info.method == LORA:
        for name in ("rank", "alpha", "targets"):
            wanted = getattr(config, f"lora_{name}")
            if wanted != info.lora[name]:
                raise _differs(f"lora_{name}", wanted, job.parent, info.lora[name])
    try:
        check_base(info, job.base.folder)
    except IntegrityError as error:
        reason = f"{job.parent.name} was trained on another base than {job.base.name}: {error}"
        raise InvalidInputError.of("parent", reason) from error
    return info


def take_parent(model: PreTrainedModel, job: TrainingJob, info: BundleInfo) -> None:
    """Give the network what the parent has learnt."""
    assert job.parent is not None
    take_weights(model, job.parent.folder, info)


def _differs(name: str, wanted: object, parent: ParentSource, found: object) -> InvalidInputError:
    return InvalidInputError.of(f"{FIELD}.{name}", f"{wanted}, but {parent.name}, the parent, has {found}: give that")
