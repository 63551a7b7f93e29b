"""Labeler `plan-oracle`: makes tasks and states for the tools of a profile, each with the best plan."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path

import numpy as np

from shared.contracts.kinds import Kind
from shared.contracts.parameters import parameter
from shared.errors import InvalidInputError, RetryableError
from shared.planning.oracle import NONE_FITS, Oracle
from shared.planning.plans import PLANS_FILE, TEST, TRAIN, Plan, plan_writer
from shared.planning.profile import MOST, TABLE_FILE, TOOLS_FILE, Floats, Profile, read_profile
from shared.planning.tasks import LANGUAGES
from shared.planning.values import RESOURCES
from svc_label.labelers.base import DatasetLabeler, MadeDataset, StoredDataset
from svc_label.labelers.plan_drawing import PlanDrawing
from svc_label.labelers.plan_feasibility import check_feasible

# Rows that are held at once, and written as one group.
GROUP_ROWS = 1000
BOTH = "both"
# A system that has this much more than the most demanding configuration needs is neither idle nor full all the time.
ROOMY = 1.25
_WHERE_ZERO = "0 takes a quarter more than the most that a configuration needs"


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanParameters:
    """Parameters of `plan-oracle`."""

    samples: int = parameter(2000, low=1, high=10_000_000, help="Rows to make.")
    test_share: float = parameter(
        0.1,
        low=0.0,
        high=1.0,
        help="Share of them in the split test, whose phrasings and states training does not see. "
        "Above 0 it has a row at least.",
    )
    seed: int = parameter(0, low=0, high=2**53, help="The same one makes the same rows.")
    window: int = parameter(16, low=1, high=1024, help="Times in a state.")
    language: str = parameter(
        BOTH, choices=(BOTH, *LANGUAGES), help="Of the tasks; both draws one of the two for each."
    )
    margin: float = parameter(
        0.01,
        low=0.0,
        high=0.1,
        help="Share of the capacity: a state is drawn again where what is free is nearer than this to what a "
        "configuration needs, for a little noise would make another plan the best. 0 takes every state.",
    )
    cpu_cores: float = parameter(0.0, low=0.0, high=MOST, help=f"Cores that the system has; {_WHERE_ZERO}.")
    memory_gb: float = parameter(0.0, low=0.0, high=MOST, help=f"Memory that the system has, in GiB; {_WHERE_ZERO}.")
    gpu_sm: float = parameter(0.0, low=0.0, high=MOST, help=f"SMs that the system has; {_WHERE_ZERO}.")
    gpu_memory_gb: float = parameter(
        0.0, low=0.0, high=MOST, help=f"GPU memory that the system has, in GiB; {_WHERE_ZERO}."
    )


@dataclass(frozen=True, slots=True)
class PlanOracle:
    """The labeler; what it says is true by the oracle's rule."""

    name: str = "plan-oracle"
    summary: str = "Makes tasks and system states for a profile, each with the fastest configuration that fits."
    kinds: tuple[str, ...] = (Kind.PROFILE,)
    makes: str = Kind.PLANS
    parameters: type[PlanParameters] = PlanParameters

    def make(
        self, dataset: StoredDataset, parameters: PlanParameters, folder: Path, must_stop: Callable[[], bool]
    ) -> MadeDataset:
        """See `DatasetLabeler.make`."""
        profile = read_profile(dataset.folder)
        capacity = capacity_for(profile, parameters)
        drawing = PlanDrawing(
            oracle=Oracle(profile, capacity),
            window=parameters.window,
            languages=LANGUAGES if parameters.language == BOTH else (parameters.language,),
            margin=parameters.margin,
            seed=parameters.seed,
        )
        train, test = _sizes(parameters)
        check_feasible(drawing)
        plans = chain(drawing.plans(TRAIN, train), drawing.plans(TEST, test))
        infeasible = _write(plans, folder / PLANS_FILE, parameters.window, must_stop)
        files = {PLANS_FILE: folder / PLANS_FILE}
        for name in (TOOLS_FILE, TABLE_FILE):
            files[name] = Path(shutil.copyfile(dataset.folder / name, folder / name))
        meta = {
            "train": train,
            "test": test,
            "infeasible": infeasible,
            "window": parameters.window,
            "capacity": dict(zip(RESOURCES, capacity.tolist(), strict=True)),
            "profile": {"name": dataset.name, "digest": dataset.digest},
        }
        return MadeDataset(kind=self.makes, files=files, meta=meta, rows=parameters.samples)


LABELER: DatasetLabeler[PlanParameters] = PlanOracle()


def capacity_for(profile: Profile, parameters: PlanParameters) -> Floats:
    """What the system has, float64 [4] in the order of `RESOURCES`.

    Raises:
        InvalidInputError: no configuration fits into it even when it is idle.
    """
    most = profile.needs.max(axis=0)
    asked = np.array([getattr(parameters, name) for name in RESOURCES], dtype=np.float64)
    capacity: Floats = np.where(asked > 0, asked, most * ROOMY)
    for name, least, has in zip(RESOURCES, profile.needs.min(axis=0), capacity, strict=True):
        if least > has:
            reason = f"{has:g} is too little: every configuration of the profile needs at least {least:g}"
            raise InvalidInputError.of(f"parameters.{name}", reason)
    return capacity


def _sizes(parameters: PlanParameters) -> tuple[int, int]:
    """Rows of the splits train and test; where a share of tests is asked for there is one at least."""
    test = round(parameters.samples * parameters.test_share)
    if parameters.test_share > 0:
        test = max(test, 1)
    if test == parameters.samples:
        reason = f"{parameters.test_share:g} of {test} rows leaves none to train on: lower it, or raise samples"
        raise InvalidInputError.of("parameters.test_share", reason)
    return parameters.samples - test, test


def _write(plans: Iterator[Plan], path: Path, window: int, must_stop: Callable[[], bool]) -> int:
    """Write the plans a group at a time; how many have no configuration that fits."""
    infeasible = 0
    with plan_writer(path, window) as writer:
        while group := list(islice(plans, GROUP_ROWS)):
            if must_stop():
                raise RetryableError("stopped while plans were made")
            writer.write(group)
            infeasible += sum(plan.config_id == NONE_FITS for plan in group)
    return infeasible
