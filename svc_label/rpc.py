"""LabelService: translate, delegate, translate."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from shared.runtime.auth import Role, current_principal
from shared.runtime.grpc_server import Rpc
from svc_label.domain.batches import Caller
from svc_label.labelers.base import AnyLabeler
from svc_label.use_cases.exporting import Exporting
from svc_label.use_cases.labeling import LabelingJobs
from svc_label.use_cases.queue import Question, Queue
from svc_label.use_cases.reviewing import Reviewing
from svc_label.wire import jobs as jobs_wire
from svc_label.wire import reviews as wire
from svc_label.wire.events import label_request
from svc_label.wire.fields import bounded, inside
from upwell.label.v1 import label_service_pb2 as pb
from upwell.label.v1 import label_service_pb2_grpc as pb_grpc

DEFAULT_PAGE = 100
LARGEST_PAGE = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class UseCases:
    """What the contract delegates to."""

    labelers: Mapping[str, AnyLabeler]
    jobs: LabelingJobs
    queue: Queue
    reviewing: Reviewing
    exporting: Exporting


class LabelService(pb_grpc.LabelServiceServicer):
    """Labelling, review and export over gRPC."""

    def __init__(self, use_cases: UseCases) -> None:
        self._labelers = use_cases.labelers
        self._jobs = use_cases.jobs
        self._queue = use_cases.queue
        self._reviewing = use_cases.reviewing
        self._exporting = use_cases.exporting

    async def ListLabelers(self, request: pb.ListLabelersRequest, context: Any) -> pb.ListLabelersResponse:
        """By name."""
        return pb.ListLabelersResponse(
            labelers=[jobs_wire.labeler_message(labeler) for _, labeler in sorted(self._labelers.items())]
        )

    async def StartLabeling(self, request: pb.StartLabelingRequest, context: Any) -> pb.StartLabelingResponse:
        """Record a job."""
        asked = request.request
        job_id = asked.job_id or str(uuid.uuid4())
        with inside("request"):
            await asyncio.to_thread(self._jobs.record, job_id, label_request(asked))
        return pb.StartLabelingResponse(job_id=job_id)

    async def GetJob(self, request: pb.GetJobRequest, context: Any) -> pb.GetJobResponse:
        """By id."""
        work = await asyncio.to_thread(self._jobs.get, request.job_id)
        return pb.GetJobResponse(job=jobs_wire.job_message(work))

    async def ListJobs(self, request: pb.ListJobsRequest, context: Any) -> pb.ListJobsResponse:
        """Newest first."""
        limit = bounded("page_size", request.page_size, default=DEFAULT_PAGE, largest=LARGEST_PAGE)
        jobs = await asyncio.to_thread(self._jobs.list, limit)
        return pb.ListJobsResponse(jobs=[jobs_wire.job_message(work) for work in jobs])

    async def ListCandidates(self, request: pb.ListCandidatesRequest, context: Any) -> pb.ListCandidatesResponse:
        """The queue."""
        question = Question(
            dataset=request.filter.dataset,
            wanted=wire.candidate_filter("filter", request.filter),
            how=wire.pick(request.pick),
            limit=bounded("limit", request.limit, default=DEFAULT_PAGE, largest=LARGEST_PAGE),
            seed=wire.seed(request.seed),
        )
        with inside("filter"):
            picked, total, versions = await asyncio.to_thread(
                self._queue.ask, question, asked_by=current_principal().name
            )
        return pb.ListCandidatesResponse(
            candidates=[wire.candidate_message(item, versions) for item in picked], total_count=total
        )

    async def Decide(self, request: pb.DecideRequest, context: Any) -> pb.DecideResponse:
        """Record decisions as the caller, or as whom an admin names."""
        principal = current_principal()
        caller = Caller(name=principal.name, may_speak_for_others=principal.role >= Role.ADMIN)
        batch = await asyncio.to_thread(self._reviewing.decide, wire.batch(request), caller)
        return pb.DecideResponse(batch_id=batch.id, decided_count=batch.decided_count)

    async def GetProgress(self, request: pb.GetProgressRequest, context: Any) -> pb.GetProgressResponse:
        """Counts."""
        rows, versions = await asyncio.to_thread(self._queue.progress, request.dataset)
        return pb.GetProgressResponse(rows=[wire.progress_message(row, versions) for row in rows])

    async def Export(self, request: pb.ExportRequest, context: Any) -> pb.ExportResponse:
        """Make a training set."""
        made, export = await asyncio.to_thread(
            self._exporting.export, request.dataset, output=request.output, labeler=request.labeler
        )
        return wire.export_message(made, export)


def label_rpc(use_cases: UseCases) -> Rpc:
    """The service with its roles."""
    servicer = LabelService(use_cases)
    return Rpc(
        full_name="upwell.label.v1.LabelService",
        add_to=lambda server: pb_grpc.add_LabelServiceServicer_to_server(servicer, server),
        roles={"StartLabeling": Role.REVIEWER, "Decide": Role.REVIEWER, "Export": Role.REVIEWER},
    )
