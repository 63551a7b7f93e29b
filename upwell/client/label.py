"""Labelling, review and export."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from typing import Any

import grpc

from upwell.client.calls import Caller
from upwell.client.named import one_named
from upwell.label.v1 import events_pb2, label_service_pb2, label_service_pb2_grpc

EXPORT_DEADLINE_S = 120.0


class LabelClient:
    """svc_label."""

    def __init__(self, channel: grpc.aio.Channel, caller: Caller) -> None:
        self._stub = label_service_pb2_grpc.LabelServiceStub(channel)
        self._caller = caller

    async def labelers(self) -> Sequence[label_service_pb2.Labeler]:
        """The labelers installed on the server."""
        answer = await self._caller.call(self._stub.ListLabelers, label_service_pb2.ListLabelersRequest())
        return answer.labelers

    async def labeler(self, name: str) -> label_service_pb2.Labeler:
        """One of them; ToolError names the nearest where there is none of that name."""
        return one_named(name, await self.labelers(), what="labeler")

    async def start(
        self,
        dataset: str,
        *,
        labeler: str,
        parameters: Mapping[str, Any] | None = None,
        output: str = "",
        job_id: str = "",
    ) -> str:
        """Have a labeler run over a dataset; the job's id."""
        request = events_pb2.LabelRequested(
            job_id=job_id or str(uuid.uuid4()), dataset=dataset, labeler=labeler, output=output
        )
        request.parameters.update(parameters or {})
        answer = await self._caller.call(
            self._stub.StartLabeling, label_service_pb2.StartLabelingRequest(request=request)
        )
        return answer.job_id

    async def job(self, job_id: str) -> label_service_pb2.LabelJob:
        """One labelling job."""
        answer = await self._caller.call(self._stub.GetJob, label_service_pb2.GetJobRequest(job_id=job_id))
        return answer.job

    async def jobs(self, *, limit: int = 0) -> Sequence[label_service_pb2.LabelJob]:
        """Labelling jobs, newest first."""
        answer = await self._caller.call(self._stub.ListJobs, label_service_pb2.ListJobsRequest(page_size=limit))
        return answer.jobs

    async def candidates(
        self,
        filtered: label_service_pb2.CandidateFilter | None = None,
        *,
        pick: label_service_pb2.Pick.ValueType = label_service_pb2.PICK_TOP,
        limit: int = 0,
        seed: int = 0,
    ) -> label_service_pb2.ListCandidatesResponse:
        """The queue: candidates that match, in the order of the pick, and how many match in all."""
        request = label_service_pb2.ListCandidatesRequest(filter=filtered, pick=pick, limit=limit, seed=seed)
        return await self._caller.call(self._stub.ListCandidates, request)

    async def decide(
        self,
        decisions: Sequence[label_service_pb2.CandidateDecision] = (),
        *,
        bulk: label_service_pb2.BulkDecision | None = None,
        reviewer: str = "",
        batch_id: str = "",
    ) -> label_service_pb2.DecideResponse:
        """Record single decisions, or one for all of a filter."""
        request = label_service_pb2.DecideRequest(
            batch_id=batch_id or str(uuid.uuid4()), decisions=decisions, bulk=bulk, reviewer=reviewer
        )
        return await self._caller.call(self._stub.Decide, request)

    async def progress(self, dataset: str = "") -> Sequence[label_service_pb2.ProgressRow]:
        """Counts per dataset, labeler and reviewer."""
        answer = await self._caller.call(self._stub.GetProgress, label_service_pb2.GetProgressRequest(dataset=dataset))
        return answer.rows

    async def export(self, dataset: str, *, output: str = "", labeler: str = "") -> label_service_pb2.ExportResponse:
        """Make a `segments/v1` dataset of the approved candidates."""
        request = label_service_pb2.ExportRequest(dataset=dataset, output=output, labeler=labeler)
        return await self._caller.call(self._stub.Export, request, deadline_s=EXPORT_DEADLINE_S)
