"""The training data of `planner`: a `plans/v1` version, checked and split as it says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from shared.errors import InvalidInputError
from shared.planning.demand import Demand
from shared.planning.oracle import NONE_FITS
from shared.planning.plans import PLANS_FILE, TEST, TRAIN, plans_schema
from shared.planning.profile import Floats, Profile, read_profile
from shared.planning.values import RESOURCES, PlanInput, check_capacity
from svc_train.recipes.base import DatasetSource, TrainingJob
from svc_train.recipes.planner.config import PlannerConfig


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelledPlan:
    """A task and a state, and what is best then.

    Args:
        config_id: the best configuration; where none fits, the least demanding one for the job.
        is_feasible: whether any fits.
    """

    asked: PlanInput
    tool_id: int
    config_id: int
    is_feasible: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanData:
    """Plans to learn from and plans held out, and what they are about.

    Args:
        demand: the profile and the capacity.
        window: times in a state.
    """

    train: tuple[LabelledPlan, ...]
    held_out: tuple[LabelledPlan, ...]
    demand: Demand
    window: int

    @property
    def profile(self) -> Profile:
        """The profile."""
        return self.demand.profile


def read_data(job: TrainingJob, config: PlannerConfig) -> PlanData:
    """Read and check the training set.

    Raises:
        InvalidInputError: it has no plans to learn from, or a row does not fit the profile; it names the row.
        IntegrityError: it holds no profile.
    """
    source = job.training_set
    profile = read_profile(source.folder)
    demand = Demand(profile, _capacity(source))
    table = _read_table(source)
    plans: dict[str, list[LabelledPlan]] = {TRAIN: [], TEST: []}
    limits = {TRAIN: config.limit_train, TEST: config.limit_eval}
    used = _states(table)
    for number, row in enumerate(table.drop_columns(["used"]).to_pylist()):
        split = _one_of(row, number, plans)
        if not limits[split] or len(plans[split]) < limits[split]:
            plans[split].append(_plan(row, number, used[number], demand))
    if not plans[TRAIN]:
        raise InvalidInputError.of("training_set", f"{PLANS_FILE} has no row of the split {TRAIN!r} to learn from")
    return PlanData(train=tuple(plans[TRAIN]), held_out=tuple(plans[TEST]), demand=demand, window=used.shape[1])


def _plan(row: Mapping[str, Any], number: int, used: Any, demand: Demand) -> LabelledPlan:
    profile = demand.profile
    tool_id, config_id = row["tool_id"], row["config_id"]
    if tool_id is None or not 0 <= tool_id < len(profile.tools):
        raise _wrong(number, f"the tool_id is {tool_id}; the profile has {len(profile.tools)} tools")
    is_feasible = config_id != NONE_FITS
    if is_feasible and (config_id is None or not 0 <= config_id < len(profile.numbers)):
        raise _wrong(number, f"the config_id is {config_id}; the profile has {len(profile.numbers)} configurations")
    if is_feasible and int(profile.tool_ids[config_id]) != tool_id:
        raise _wrong(number, f"the config_id {config_id} is not of the tool {tool_id}")
    try:
        asked = PlanInput(id=str(row["id"]), task=str(row["task"] or ""), used=used)
        check_capacity(asked, demand.capacity.tolist())
        wanted = config_id if is_feasible else demand.least_for(tool_id, row["input_size"])
    except InvalidInputError as error:
        raise _wrong(number, str(error)) from error
    return LabelledPlan(asked=asked, tool_id=tool_id, config_id=wanted, is_feasible=is_feasible)


def _one_of(row: Mapping[str, Any], number: int, splits: Mapping[str, Sequence[Any]]) -> str:
    split = str(row["split"])
    if split not in splits:
        raise _wrong(number, f"the split is {split!r}; there are {', '.join(splits)}")
    return split


def _wrong(number: int, reason: str) -> InvalidInputError:
    return InvalidInputError.of(f"{PLANS_FILE}:{number + 1}", reason)


def _capacity(source: DatasetSource) -> Floats:
    capacity = source.meta.get("capacity")
    if not isinstance(capacity, Mapping) or not all(
        isinstance(capacity.get(name), int | float) and capacity[name] >= 0 for name in RESOURCES
    ):
        reason = f"the manifest of {source.name!r} says no capacity from 0 up of each of {', '.join(RESOURCES)}"
        raise InvalidInputError.of("training_set", reason)
    return np.array([float(capacity[name]) for name in RESOURCES])


def _states(table: Any) -> NDArray[np.float32]:
    """float32 [rows, times, resources]; the first row says how many times there are."""
    column = table.column("used").combine_chunks()
    lengths = pc.list_value_length(column).fill_null(0).to_numpy()
    wanted = int(lengths[0]) if len(lengths) else 0
    if not wanted or wanted % len(RESOURCES):
        raise _wrong(0, f"used holds {wanted} numbers; needed are {len(RESOURCES)} for each time")
    others = np.flatnonzero(lengths != wanted)
    if len(others):
        raise _wrong(int(others[0]), f"used holds {lengths[others[0]]} numbers, not {wanted} as in the rows before")
    states = column.flatten().to_numpy(zero_copy_only=False)
    return np.asarray(states, dtype=np.float32).reshape(len(lengths), -1, len(RESOURCES))


def _read_table(source: DatasetSource) -> Any:
    try:
        table = pq.read_table(Path(source.folder, PLANS_FILE))
    except FileNotFoundError as error:
        raise InvalidInputError.of("training_set", f"{source.name!r} has no file {PLANS_FILE}") from error
    except pa.ArrowException as error:
        reason = f"{PLANS_FILE} of {source.name!r} is no Parquet file: {error}"
        raise InvalidInputError.of("training_set", reason) from error
    for wanted in plans_schema(1):
        found = table.schema.field(wanted.name).type if wanted.name in table.column_names else None
        # Parquet does not say that a list has a fixed length.
        is_list = found is not None and wanted.name == "used" and _holds_floats(found)
        if found != wanted.type and not is_list:
            reason = f"the column {wanted.name} of {PLANS_FILE} is {found or 'missing'}; needed is {wanted.type}"
            raise InvalidInputError.of("training_set", reason)
    return table


def _holds_floats(kind: Any) -> bool:
    is_list = pa.types.is_list(kind) or pa.types.is_fixed_size_list(kind)
    return bool(is_list and kind.value_type == pa.float32())
