"""Runs: ask for one, watch it, stop it, let it go on."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Any

import grpc

from upwell.client.calls import Caller
from upwell.client.following import PATIENCE_S, SILENCE_S, follow
from upwell.client.named import one_named
from upwell.client.publisher import Publisher
from upwell.common.v1 import common_pb2
from upwell.train.v1 import events_pb2, metrics_pb2, train_service_pb2, train_service_pb2_grpc

WATCH_DEADLINE_S = 24 * 3600.0
REPLAY_DEADLINE_S = 60.0
METRICS_A_PAGE = 5000


class TrainClient:
    """svc_train."""

    def __init__(self, channel: grpc.aio.Channel, caller: Caller, publisher: Publisher) -> None:
        self._stub = train_service_pb2_grpc.TrainServiceStub(channel)
        self._caller = caller
        self._publisher = publisher

    async def request(
        self,
        recipe: str,
        *,
        dataset: str,
        model: str,
        base: str = "",
        hyperparameters: Mapping[str, Any] | None = None,
        stage: str = "",
        parent: str = "",
        parent_run: str = "",
        run_id: str = "",
    ) -> str:
        """Publish `train.requested`; the id that the run will have.

        A request that makes no sense is answered by `train.failed` on the bus: `start` says so at once instead.

        Raises:
            BusError: the bus refused it or does not answer.
        """
        request = _requested(
            recipe=recipe,
            dataset=dataset,
            model=model,
            base=base,
            hyperparameters=hyperparameters,
            stage=stage,
            parent=parent,
            parent_run=parent_run,
            run_id=run_id,
        )
        await self._publisher.publish(request)
        return request.run_id

    async def start(
        self,
        recipe: str,
        *,
        dataset: str,
        model: str,
        base: str = "",
        hyperparameters: Mapping[str, Any] | None = None,
        stage: str = "",
        parent: str = "",
        parent_run: str = "",
        run_id: str = "",
    ) -> str:
        """Record a run by a call to svc_train; its id.

        Raises:
            UpwellClientError: the request makes no sense (`violations` names the fields), or the call failed.
        """
        request = _requested(
            recipe=recipe,
            dataset=dataset,
            model=model,
            base=base,
            hyperparameters=hyperparameters,
            stage=stage,
            parent=parent,
            parent_run=parent_run,
            run_id=run_id,
        )
        answer = await self._caller.call(self._stub.StartRun, train_service_pb2.StartRunRequest(request=request))
        return answer.run_id

    async def run(self, run_id: str) -> train_service_pb2.Run:
        """One run."""
        answer = await self._caller.call(self._stub.GetRun, train_service_pb2.GetRunRequest(run_id=run_id))
        return answer.run

    async def runs(
        self,
        *,
        model: str = "",
        state: common_pb2.WorkState.ValueType = common_pb2.WORK_STATE_UNSPECIFIED,
        limit: int = 0,
    ) -> Sequence[train_service_pb2.Run]:
        """Runs, newest first."""
        request = train_service_pb2.ListRunsRequest(model=model, state=state, page_size=limit)
        return (await self._caller.call(self._stub.ListRuns, request)).runs

    async def cancel(self, run_id: str) -> train_service_pb2.Run:
        """Stop a run."""
        answer = await self._caller.call(self._stub.CancelRun, train_service_pb2.CancelRunRequest(run_id=run_id))
        return answer.run

    async def resume(self, run_id: str) -> train_service_pb2.Run:
        """Queue a failed or cancelled run again, and the runs that waited for its version."""
        answer = await self._caller.call(self._stub.ResumeRun, train_service_pb2.ResumeRunRequest(run_id=run_id))
        return answer.run

    async def recipes(self) -> Sequence[train_service_pb2.Recipe]:
        """The recipes installed on the server."""
        answer = await self._caller.call(self._stub.ListRecipes, train_service_pb2.ListRecipesRequest())
        return answer.recipes

    async def recipe(self, name: str) -> train_service_pb2.Recipe:
        """One of them; ToolError names the nearest where there is none of that name."""
        return one_named(name, await self.recipes(), what="recipe")

    def watch(
        self,
        run_id: str,
        *,
        after_sequence: int = 0,
        logs_only: bool = False,
        patience_s: float = PATIENCE_S,
        silence_s: float = SILENCE_S,
        when_unknown: Callable[[], None] = lambda: None,
    ) -> AsyncIterator[train_service_pb2.WatchRunResponse]:
        """A run from its beginning to its end; the last item is the run in the state in which it ended.

        A run that is not recorded yet is waited for, and so is a service that restarts: what was told before is
        not told again. A run may have nothing to tell for long; a service that lives says so when it is asked again.

        Args:
            run_id: the run.
            after_sequence: begin behind this `sequence` of an earlier answer.
            logs_only: leave progress out.
            patience_s: how long the service may be away; the run may be unknown for that long, and at most 10 s.
            silence_s: after how much silence the service is asked again.
            when_unknown: called when the run is not recorded yet and is waited for.

        Raises:
            UpwellClientError: the run is unknown for longer than that, or the call is refused.
            SilenceError: nothing has been heard of the service for longer than that.
        """
        request = train_service_pb2.WatchRunRequest(run_id=run_id, after_sequence=after_sequence, logs_only=logs_only)
        return follow(
            lambda: self._caller.receive(
                self._stub.WatchRun, request, deadline_s=WATCH_DEADLINE_S, silence_s=silence_s
            ),
            request,
            patience_s=patience_s,
            when_unknown=when_unknown,
        )

    async def log(self, run_id: str) -> AsyncIterator[train_service_pb2.WatchRunResponse]:
        """The log lines of a run until now, each with its `sequence`."""
        request = train_service_pb2.WatchRunRequest(run_id=run_id, logs_only=True, replay_only=True)
        async for answer in self._caller.receive(self._stub.WatchRun, request, deadline_s=REPLAY_DEADLINE_S):
            if answer.WhichOneof("happened") == "log_line":
                yield answer

    async def metrics(
        self, run_id: str, *, names: Sequence[str] = (), from_step: int = 0
    ) -> AsyncIterator[metrics_pb2.StepMetric]:
        """The numbers of a run, by step and then by name; no names mean all."""
        token = ""
        while True:
            request = metrics_pb2.ListMetricsRequest(
                run_id=run_id, names=names, from_step=from_step, page_size=METRICS_A_PAGE, page_token=token
            )
            answer = await self._caller.call(self._stub.ListMetrics, request)
            for metric in answer.metrics:
                yield metric
            token = answer.next_page_token
            if not token:
                return

    async def metric_names(self, run_id: str) -> Sequence[str]:
        """The names of all numbers that a run has."""
        request = metrics_pb2.ListMetricsRequest(run_id=run_id, page_size=1)
        return (await self._caller.call(self._stub.ListMetrics, request)).names


def _requested(
    *,
    recipe: str,
    dataset: str,
    model: str,
    base: str,
    hyperparameters: Mapping[str, Any] | None,
    stage: str,
    parent: str,
    parent_run: str,
    run_id: str,
) -> events_pb2.TrainRequested:
    request = events_pb2.TrainRequested(
        run_id=run_id or str(uuid.uuid4()),
        recipe=recipe,
        dataset=dataset,
        model=model,
        base=base,
        stage=stage,
        parent=parent,
        parent_run=parent_run,
    )
    request.hyperparameters.update(hyperparameters or {})
    return request
