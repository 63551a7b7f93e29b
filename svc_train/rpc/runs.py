"""TrainService: translate, delegate, translate."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from typing import Any

from shared.contracts.work import WorkState
from shared.errors import InvalidInputError, UnavailableError
from shared.runtime.auth import Role, current_principal
from shared.runtime.convert import STATES
from shared.runtime.grpc_server import Rpc
from svc_train import wire
from svc_train.domain.run import JournalEntry, Progress, RunProgress
from svc_train.ports import TrainStore
from svc_train.use_cases import requests, runs
from svc_train.use_cases.metrics import list_metrics
from upwell.train.v1 import metrics_pb2 as metrics_pb
from upwell.train.v1 import train_service_pb2 as pb
from upwell.train.v1 import train_service_pb2_grpc as pb_grpc

WATCH_S = 0.3
DEFAULT_PAGE = 100
LARGEST_PAGE = 1000
DEFAULT_METRICS, LARGEST_METRICS = 1000, 10_000
MOST_NAMES = 100
# Both databases count to here.
LARGEST_NUMBER = 2**63 - 1
MOST_DIGITS = len(str(LARGEST_NUMBER))
STATE_OF = {number: state for state, number in STATES.items()}


class TrainService(pb_grpc.TrainServiceServicer):
    """Runs over gRPC. Any replica can answer for any run: it asks the tables.

    Args:
        store: the service's tables.
        recipes: the installed recipes by name.
        draining: set when the service begins to stop, so that watchers turn to another replica.
    """

    def __init__(self, store: TrainStore, recipes: requests.Recipes, draining: asyncio.Event) -> None:
        self._store = store
        self._recipes = recipes
        self._draining = draining

    async def StartRun(self, request: pb.StartRunRequest, context: Any) -> pb.StartRunResponse:
        """Record a run."""
        run_id = request.request.run_id or str(uuid.uuid4())
        asked = wire.run_request(request.request)
        await asyncio.to_thread(requests.start_run, self._store, self._recipes, asked, run_id=run_id)
        return pb.StartRunResponse(run_id=run_id)

    async def GetRun(self, request: pb.GetRunRequest, context: Any) -> pb.GetRunResponse:
        """One run."""
        return pb.GetRunResponse(run=await self._run(request.run_id))

    async def ListRuns(self, request: pb.ListRunsRequest, context: Any) -> pb.ListRunsResponse:
        """Runs, newest first."""
        found = await asyncio.to_thread(
            runs.list_runs,
            self._store,
            model=request.model,
            state=_state(request.state),
            limit=_page_size(request.page_size),
        )
        return pb.ListRunsResponse(runs=[wire.run_message(run) for run in found])

    async def WatchRun(self, request: pb.WatchRunRequest, context: Any) -> AsyncIterator[pb.WatchRunResponse]:
        """Everything that happened, then what happens from now on, and at last the run as it ended."""
        seen, told = _sequence(request.after_sequence), None
        while not self._draining.is_set():
            look = await asyncio.to_thread(
                runs.look, self._store, request.run_id, after=seen, logs_only=request.logs_only
            )
            run = look.run
            moved = (run.work.state, run.work.attempt, run.work.waiting_for, run.queue_position)
            # An end is told once, after all that led to it.
            if moved != told and not run.work.state.is_final:
                told = moved
                yield pb.WatchRunResponse(run=wire.run_message(run), sequence=seen)
            for entry_id, entry in look.entries:
                seen = entry_id
                yield _happened(request.run_id, entry, sequence=seen)
            if look.is_last:
                yield pb.WatchRunResponse(run=wire.run_message(run), sequence=seen)
                return
            if request.replay_only and look.is_caught_up:
                return
            if not look.entries:
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._draining.wait(), WATCH_S)
        raise UnavailableError("svc_train is stopping; watch the run again")

    async def ListMetrics(self, request: metrics_pb.ListMetricsRequest, context: Any) -> metrics_pb.ListMetricsResponse:
        """The numbers of a run."""
        page = await asyncio.to_thread(
            list_metrics,
            self._store,
            request.run_id,
            names=_names(request.names),
            from_step=_step(request.from_step),
            after=_place(request.page_token),
            limit=_page_size(request.page_size, default=DEFAULT_METRICS, largest=LARGEST_METRICS),
        )
        return metrics_pb.ListMetricsResponse(
            metrics=[wire.metric_message(metric) for metric in page.metrics],
            next_page_token="/".join(map(str, page.next_place)) if page.next_place else "",
            names=page.names,
        )

    async def CancelRun(self, request: pb.CancelRunRequest, context: Any) -> pb.CancelRunResponse:
        """Cancel a run as the caller."""
        await asyncio.to_thread(requests.cancel_run, self._store, request.run_id, cancelled_by=current_principal().name)
        return pb.CancelRunResponse(run=await self._run(request.run_id))

    async def ResumeRun(self, request: pb.ResumeRunRequest, context: Any) -> pb.ResumeRunResponse:
        """Queue a run again."""
        await asyncio.to_thread(requests.resume_run, self._store, request.run_id)
        return pb.ResumeRunResponse(run=await self._run(request.run_id))

    async def ListRecipes(self, request: pb.ListRecipesRequest, context: Any) -> pb.ListRecipesResponse:
        """The installed recipes."""
        return pb.ListRecipesResponse(recipes=[wire.recipe_message(recipe) for recipe in self._recipes.values()])

    async def _run(self, run_id: str) -> pb.Run:
        return wire.run_message(await asyncio.to_thread(runs.get_run, self._store, run_id))


def _happened(run_id: str, entry: JournalEntry, *, sequence: int) -> pb.WatchRunResponse:
    if isinstance(entry.happened, Progress):
        report = RunProgress(run_id=run_id, attempt=entry.attempt, progress=entry.happened)
        return pb.WatchRunResponse(progress=wire.progress_message(report), sequence=sequence)
    return pb.WatchRunResponse(log_line=entry.happened, sequence=sequence)


def _sequence(asked: int) -> int:
    if asked > LARGEST_NUMBER:
        raise InvalidInputError.of("after_sequence", f"{asked} did not come from an earlier answer")
    return asked


def _step(asked: int) -> int:
    if asked > LARGEST_NUMBER:
        raise InvalidInputError.of("from_step", f"{asked} is too large: at most {LARGEST_NUMBER}")
    return asked


def _names(asked: Sequence[str]) -> Sequence[str]:
    if len(asked) > MOST_NAMES:
        raise InvalidInputError.of("names", f"{len(asked)} are too many: at most {MOST_NAMES}")
    return asked


def _place(token: str) -> tuple[int, str] | None:
    """Where a page begins; None begins at the first step."""
    step, _, name = token.partition("/")
    if token and not (step.isascii() and step.isdigit() and len(step) < MOST_DIGITS and name):
        raise InvalidInputError.of("page_token", f"{token[:80]!r} did not come from an earlier answer")
    return (int(step), name) if token else None


def _state(number: int) -> WorkState | None:
    if number and number not in STATE_OF:
        raise InvalidInputError.of("state", f"{number} is no state of a run")
    return STATE_OF.get(number)  # type: ignore[call-overload,no-any-return]


def _page_size(asked: int, *, default: int = DEFAULT_PAGE, largest: int = LARGEST_PAGE) -> int:
    if asked > largest:
        raise InvalidInputError.of("page_size", f"{asked} is too large: ask for 1 to {largest}")
    return asked or default


def train_rpc(store: TrainStore, recipes: requests.Recipes, draining: asyncio.Event) -> Rpc:
    """The service with its roles."""
    servicer = TrainService(store, recipes, draining)
    return Rpc(
        full_name="upwell.train.v1.TrainService",
        add_to=lambda server: pb_grpc.add_TrainServiceServicer_to_server(servicer, server),
        roles={"StartRun": Role.TRAINER, "CancelRun": Role.TRAINER, "ResumeRun": Role.TRAINER},
    )
