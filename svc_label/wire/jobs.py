"""Labelers and labelling jobs."""

from __future__ import annotations

from google.protobuf import json_format, struct_pb2

from shared.contracts.kinds import Kind
from shared.contracts.parameters import parameters_as_json
from shared.contracts.work import Work
from shared.runtime.convert import STATES, dataset_ref, failure_message, parameter_messages, timestamp
from svc_label.domain.jobs import request_from_json, result_from_json
from svc_label.labelers.base import AnyLabeler, DatasetLabeler
from upwell.label.v1 import label_service_pb2 as pb


def labeler_message(labeler: AnyLabeler) -> pb.Labeler:
    """A labeler with its parameters, what it reads and what it makes."""
    defaults = parameters_as_json(labeler.parameters())
    return pb.Labeler(
        name=labeler.name,
        summary=labeler.summary,
        parameters=json_format.ParseDict(defaults, struct_pb2.Struct()),
        kinds=labeler.kinds if isinstance(labeler, DatasetLabeler) else [Kind.SERIES],
        makes=_makes(labeler),
        described_parameters=parameter_messages(labeler.parameters),
    )


def _makes(labeler: AnyLabeler) -> str:
    if isinstance(labeler, DatasetLabeler):
        return labeler.makes
    return Kind.SERIES if labeler.makes_series else ""


def job_message(work: Work) -> pb.LabelJob:
    """A job for the caller."""
    request = request_from_json(work.request)
    result = result_from_json(work.result) if work.result else None
    return pb.LabelJob(
        job_id=work.id,
        dataset=request.dataset,
        labeler=request.labeler,
        state=STATES[work.state],
        attempt=work.attempt,
        candidate_count=result.candidate_count if result else 0,
        output=dataset_ref(result.dataset) if result and result.made else None,
        failure=failure_message(work.failure),
        created_at=timestamp(work.created_at),
    )
