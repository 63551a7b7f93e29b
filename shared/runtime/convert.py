"""Between the values that all services share and protobuf."""

from __future__ import annotations

from datetime import datetime

from google.protobuf.timestamp_pb2 import Timestamp

from shared.contracts.series import Segment
from shared.contracts.versions import DatasetVersion
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
        cause=failure.cause, reason=failure.reason, remedy=failure.remedy, evidence=list(failure.evidence)
    )


def dataset_ref(version: DatasetVersion) -> common.DatasetRef:
    """A dataset version."""
    return common.DatasetRef(name=version.name, version=version.version, manifest_digest=version.digest)


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
