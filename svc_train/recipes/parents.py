"""Going on from a model version: what every recipe asks of a parent before it takes its weights."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from shared.errors import IntegrityError, InvalidInputError
from shared.modeling.bundle import LORA, BundleInfo, check_base, read_info
from svc_train.recipes.base import ParentSource, TrainingJob
from svc_train.recipes.hyperparameters import FIELD


def read_bundle(parent: ParentSource, *, families: Collection[str]) -> BundleInfo:
    """What the parent says of itself.

    Raises:
        InvalidInputError: it is of none of these families.
        IntegrityError: its bundle is damaged.
    """
    info = read_info(parent.folder)
    if info.family not in families:
        wanted = " or ".join(families)
        raise InvalidInputError.of("parent", f"{parent.name} is of the family {info.family}, not {wanted}")
    return info


def check_adapters(parent: ParentSource, info: BundleInfo, config: Any, *, names: Iterable[str]) -> None:
    """InvalidInputError when the run's `lora_<name>` is not the parent's; nothing to check without adapters."""
    if info.method == LORA:
        for name in names:
            check_same(parent, f"lora_{name}", getattr(config, f"lora_{name}"), info.lora[name])


def check_same(parent: ParentSource, name: str, wanted: object, found: object) -> None:
    """InvalidInputError when the run wants of a hyperparameter what the parent does not have."""
    if wanted != found:
        raise differs(parent, name, wanted, found)


def check_parents_base(parent: ParentSource, info: BundleInfo, job: TrainingJob) -> None:
    """InvalidInputError when the parent was trained on another base than the run's."""
    try:
        check_base(info, job.needed_base.folder)
    except IntegrityError as error:
        reason = f"{parent.name} was trained on another base than {job.needed_base.name}: {error}"
        raise InvalidInputError.of("parent", reason) from error


def differs(parent: ParentSource, name: str, wanted: object, found: object) -> InvalidInputError:
    """The error for a hyperparameter that is not the parent's."""
    return InvalidInputError.of(f"{FIELD}.{name}", f"{wanted}, but {parent.name}, the parent, has {found}: give that")
