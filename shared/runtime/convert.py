"""Between the values that all services share and protobuf."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from google.protobuf import json_format
from google.protobuf.duration_pb2 import Duration
from google.protobuf.struct_pb2 import Struct, Value
from google.protobuf.timestamp_pb2 import Timestamp

from shared.contracts.parameters import Description, describe_parameters
from shared.contracts.series import Segment
from shared.contracts.versions import DatasetVersion, ModelRef
from shared.contracts.work import Failure, WorkState
from upwell.common.v1 import common_pb2 as common

STATES = {
    WorkState.QUEUED: common.WORK_STATE_QUEUED,
    WorkState.RUNNING: common.WORK_STATE_RUNNING,
    WorkState.COMPLETED: common.WORK_STATE_COMPLETED,
    WorkState.FAILED: common.WORK_STATE_FAILED,
    WorkState.CANCELLED: common.WORK_STATE_CANCELLED,
}


def timestamp(moment: datetime | None) -> Timestamp | None:
    """An aware time; None stays None, an absent field."""
    if moment is None:
        return None
    message = Timestamp()
    message.FromDatetime(moment)
    return message


def failure_message(failure: Failure | None) -> common.Failure | None:
    """A failure; None stays None, an absent field."""
    if failure is None:
        return None
    return common.Failure(
        cause=failure.cause,
        reason=failure.reason,
        remedy=failure.remedy,
        evidence=list(failure.evidence),
        retried_with=struct(failure.retried_with) if failure.retried_with else None,
    )


def struct(values: Mapping[str, Any]) -> Struct:
    """JSON values by name."""
    return json_format.ParseDict(dict(values), Struct())


def parameter_messages(parameters: type[Any]) -> list[common.Parameter]:
    """The parameters of a dataclass whose fields are `parameter`s, in the order in which they are declared."""
    return [_parameter_message(one) for one in describe_parameters(parameters)]


def _parameter_message(one: Description) -> common.Parameter:
    allowed = one.allowed
    return common.Parameter(
        name=one.name,
        type=one.type,
        is_list=one.is_list,
        default_value=json_format.ParseDict(one.default, Value()),
        low=None if math.isinf(allowed.low) else allowed.low,
        high=None if math.isinf(allowed.high) else allowed.high,
        choices=allowed.choices,
        help=allowed.help,
    )


def doubles(values: Struct) -> dict[str, Any]:
    """JSON values by name as a Struct has them: every number is a double.

    NaN and infinity, which JSON does not know but ProtoJSON lets through, come out as they are: whoever reads the
    values refuses them by name, once it is known which request to refuse.
    """
    return {name: _plain(value) for name, value in values.fields.items()}


def _plain(value: Value) -> Any:
    match value.WhichOneof("kind"):
        case "struct_value":
            return doubles(value.struct_value)
        case "list_value":
            return [_plain(one) for one in value.list_value.values]
        case None | "null_value":
            return None
        case kind:
            return getattr(value, kind)


def json_values(values: Struct) -> dict[str, Any]:
    """What `struct` took; a whole number is an int again, for a Struct knows doubles alone.

    Raises:
        ValueError: a number is NaN or infinite.
    """
    read: dict[str, Any] = _with_whole_numbers(json_format.MessageToDict(values))
    return read


def _with_whole_numbers(value: Any) -> Any:
    match value:
        case float() if value.is_integer():
            return int(value)
        case dict():
            return {name: _with_whole_numbers(one) for name, one in value.items()}
        case list():
            return [_with_whole_numbers(one) for one in value]
        case _:
            return value


def duration(seconds: float) -> Duration:
    """A length of time."""
    message = Duration()
    message.FromTimedelta(timedelta(seconds=seconds))
    return message


def dataset_ref(version: DatasetVersion) -> common.DatasetRef:
    """A dataset version."""
    return common.DatasetRef(name=version.name, version=version.version, manifest_digest=version.digest)


def model_ref(model: ModelRef | None) -> common.ModelRef | None:
    """A model version; None stays None, an absent field."""
    return common.ModelRef(name=model.name, version=model.version, run_id=model.run_id) if model else None


def segment_message(segment: Segment) -> common.Segment:
    """A segment."""
    return common.Segment(
        start_row=segment.start_row,
        end_row=segment.end_row,
        start_time=segment.start_time,
        end_time=segment.end_time,
        channel=segment.channel,
        label=segment.label,
        confidence=segment.confidence,
    )
