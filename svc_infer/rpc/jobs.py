"""StartJob and GetJob."""

from __future__ import annotations

import asyncio
import uuid
from typing import Any

from svc_infer.ports import InferStore
from svc_infer.use_cases import jobs
from svc_infer.wire import jobs as wire
from upwell.infer.v1 import infer_service_pb2 as pb


class JobCalls:
    """Calls about prediction jobs."""

    def __init__(self, store: InferStore) -> None:
        self._store = store

    async def StartJob(self, request: pb.StartJobRequest, context: Any) -> pb.StartJobResponse:
        """Record a job."""
        asked = request.request
        job_id = await asyncio.to_thread(
            jobs.request_job,
            self._store,
            job_id=asked.job_id or str(uuid.uuid4()),
            request=wire.job_request(asked),
        )
        return pb.StartJobResponse(job_id=job_id)

    async def GetJob(self, request: pb.GetJobRequest, context: Any) -> pb.GetJobResponse:
        """One job."""
        work = await asyncio.to_thread(jobs.find_job, self._store, request.job_id)
        return pb.GetJobResponse(job=wire.job_message(work))
