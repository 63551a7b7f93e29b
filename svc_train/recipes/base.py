"""What a recipe is, what it is given and what it gives back; how recipes are found."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, Protocol

from shared.errors import InvalidInputError
from svc_train.recipes.stopping import StopRequest

GROUP = "upwell.recipes"

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class BaseSource:
    """The base to start from, in Hugging Face layout; `digest` is that of its manifest."""

    name: str
    digest: str
    folder: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetSource:
    """A dataset version's files in a folder, and its manifest's meta."""

    name: str
    digest: str
    folder: Path
    meta: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesSource:
    """A `series/v1` version's files in a folder, and its manifest's meta."""

    name: str
    digest: str
    folder: Path
    meta: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ParentSource:
    """The model version to go on from: its reference for people, and its bundle in a folder."""

    name: str
    run_id: str
    folder: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingJob:
    """Everything one attempt reads, all of it on this machine's disk, and where its bundle goes.

    Args:
        base: None for a recipe that takes none (see `needed_base`).
        parent: the version to go on from; None starts from the base.
        checkpoints_dir: where checkpoints are left, each a sub-folder `step-<n>` that appears whole; None leaves none.
        resume_from: a checkpoint that an earlier attempt of this run left; None begins at the first step.
        stop: whether the process was asked to end: a recipe that heeds it leaves a last checkpoint first.
    """

    hyperparameters: Mapping[str, Any]
    base: BaseSource | None
    training_set: DatasetSource
    series: tuple[SeriesSource, ...]
    bundle_dir: Path
    parent: ParentSource | None = None
    checkpoints_dir: Path | None = None
    resume_from: Path | None = None
    stop: StopRequest = field(default_factory=StopRequest)

    @property
    def needed_base(self) -> BaseSource:
        """The base, for a recipe whose models stand on one; InvalidInputError when there is none."""
        if self.base is None:
            raise InvalidInputError.of("base", "is missing: this recipe's models stand on one")
        return self.base


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far the training is after a step.

    Args:
        step: steps done, from 1 up.
        tokens: tokens the model has read since the first step began.
        elapsed_s: seconds since the first step began.
        evaluated_s: of these, what evaluations of this attempt took: no rate of training counts them.
        gradient_norm: length of the step's gradient before it was cut; None where it is not known.
        metrics: evaluation numbers, on the steps that evaluate.
    """

    step: int
    total_steps: int
    loss: float
    learning_rate: float
    tokens: int
    elapsed_s: float
    evaluated_s: float = 0.0
    gradient_norm: float | None = None
    metrics: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Monitor:
    """The metric that says which of two evaluations is better, and what it was."""

    name: str
    value: float
    larger_is_better: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """A checkpoint lies whole in the job's `checkpoints_dir`, as the folder `step-<n>` with n in 8 digits.

    Args:
        step: steps done when it was made.
        metrics: of the last evaluation up to that step; empty before the first.
        monitor: by which it is ranked; None where nothing was evaluated.
    """

    step: int
    metrics: Mapping[str, float] = field(default_factory=dict)
    monitor: Monitor | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingResult:
    """What a recipe did; the bundle lies in the job's `bundle_dir`. `epochs` is 0 where passes are not counted."""

    metrics: Mapping[str, float]
    total_steps: int
    tokens: int
    device: str
    epochs: float = 0.0


# Whoever takes a checkpoint may move it away at once.
Report = Callable[[Progress | Checkpoint], None]


class Recipe(Protocol):
    """A named training procedure. Finding and asking one loads no torch; only `train` does.

    Attributes:
        name: how requests call it.
        summary: one sentence for people.
        family: what it makes models of: a name in the entry point group `upwell.predictors`.
        dataset_kinds: kinds of training set it learns from.
        parent_families: families of the models it goes on from; empty for none.
        default_base: the base taken when a request names none; empty for a recipe whose models stand on none.
        config_type: the frozen dataclass of its hyperparameters (see `hyperparameters.py`).
    """

    name: str
    summary: str
    family: str
    dataset_kinds: tuple[str, ...]
    parent_families: tuple[str, ...]
    default_base: str
    config_type: type[Any]

    def train(self, job: TrainingJob, report: Report) -> TrainingResult:
        """Train, evaluate and save the bundle; call `report` after each step, and with each checkpoint if any.

        Raises:
            InvalidInputError: the hyperparameters or the data are wrong.
            TrainingFailedError: the training itself went wrong, with its remedy.
        """


def recipes() -> dict[str, Recipe]:
    """The installed recipes by name; one that cannot be loaded is left out, with a warning that names it."""
    found: list[Recipe] = []
    for point in entry_points(group=GROUP):
        try:
            found.append(point.load())
        # It may be anybody's, and fail in any way: the others are none the worse for it.
        except Exception as error:  # noqa: BLE001
            log.warning("the recipe %s (%s) cannot be loaded: %s", point.name, point.value, _named(error))
    return {recipe.name: recipe for recipe in sorted(found, key=lambda recipe: str(recipe.name))}


def find_recipe(name: str) -> Recipe:
    """The recipe of that name; InvalidInputError as `no_recipe` says it when there is none."""
    installed = recipes()
    if name not in installed:
        raise no_recipe(name, installed)
    return installed[name]


def no_recipe(name: str, installed: Iterable[str]) -> InvalidInputError:
    """The error for a name that is none of the installed recipes'; what keeps one from being loaded is its cause."""
    for point in entry_points(group=GROUP, name=name):
        try:
            point.load()
        except Exception as error:  # noqa: BLE001 - see `recipes`
            broken = InvalidInputError.of("recipe", f"{name!r} cannot be loaded ({point.value}): {_named(error)}")
            broken.__cause__ = error
            return broken
    names = sorted(installed)
    near = get_close_matches(name, names, n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"installed are: {', '.join(names) or 'none'}"
    return InvalidInputError.of("recipe", f"{name!r} is not a recipe; {hint}")


def _named(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"
