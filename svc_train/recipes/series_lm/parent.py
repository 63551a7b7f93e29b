"""Going on from a model version that `series-lm` made: its labels, and its weights."""

from __future__ import annotations

from shared.errors import IntegrityError, InvalidInputError
from shared.modeling.bundle import BundleInfo, check_base, read_info
from shared.modeling.series.network import SeriesLM
from shared.modeling.series.predictor import FAMILY
from shared.modeling.series.spec import SeriesSpec, parse_spec
from shared.modeling.series.storage import load_network
from svc_train.recipes.base import ParentSource, TrainingJob
from svc_train.recipes.hyperparameters import FIELD
from svc_train.recipes.series_lm.config import LORA, SeriesLMConfig


def read_parent(job: TrainingJob, config: SeriesLMConfig) -> BundleInfo | None:
    """What the parent says of itself; None without one.

    Raises:
        InvalidInputError: it is of another family, method, network or base than this run asks for.
        IntegrityError: its bundle is damaged.
    """
    if job.parent is None:
        return None
    info = read_info(job.parent.folder)
    if info.family != FAMILY:
        raise InvalidInputError.of("parent", f"{job.parent.name} is of the family {info.family}, not {FAMILY}")
    if info.method != config.method:
        raise _differs("method", config.method, job.parent, info.method)
    if info.method == LORA:
        for name in ("rank", "alpha"):
            wanted = getattr(config, f"lora_{name}")
            if wanted != info.lora[name]:
                raise _differs(f"lora_{name}", wanted, job.parent, info.lora[name])
    _check_network(parse_spec(info.spec), config, job.parent)
    try:
        check_base(info, job.base.folder)
    except IntegrityError as error:
        raise InvalidInputError.of(
            "parent", f"{job.parent.name} was trained on another base than {job.base.name}: {error}"
        ) from error
    return info


def take_weights(network: SeriesLM, job: TrainingJob, info: BundleInfo) -> None:
    """Give the network the parent's weights."""
    assert job.parent is not None
    network.load_state_dict(load_network(job.parent.folder, job.base.folder, info).state_dict())


def _check_network(spec: SeriesSpec, config: SeriesLMConfig, parent: ParentSource) -> None:
    for name in ("window", "patch"):
        wanted, found = getattr(config, name), getattr(spec, name)
        if wanted != found:
            raise _differs(name, wanted, parent, found)


def _differs(name: str, wanted: object, parent: ParentSource, found: object) -> InvalidInputError:
    return InvalidInputError.of(f"{FIELD}.{name}", f"{wanted}, but {parent.name}, the parent, has {found}: give that")
