"""Events in: translate and delegate."""

from __future__ import annotations

import asyncio

from shared.contracts.ids import derived_id
from shared.errors import InvalidInputError
from shared.runtime.bus import Bus
from shared.runtime.envelope import current_envelope
from svc_train import wire
from svc_train.ports import TrainStore
from svc_train.use_cases.requests import Recipes, refuse_request, take_request
from upwell.train.v1 import events_pb2 as events


def take_requests(bus: Bus, store: TrainStore, recipes: Recipes) -> None:
    """Take requests for runs."""

    async def on_train_requested(body: events.TrainRequested) -> None:
        await asyncio.to_thread(take_request, store, recipes, wire.run_request(body), run_id=_run_id(body))

    async def on_misread(body: events.TrainRequested, error: InvalidInputError) -> None:
        await asyncio.to_thread(refuse_request, store, wire.run_request(body), error, run_id=_run_id(body))

    bus.take(events.TrainRequested, on_train_requested, refuse=on_misread)


def _run_id(body: events.TrainRequested) -> str:
    """The same event always names the same run, however often it is delivered."""
    return body.run_id or derived_id("run", current_envelope().event_id)
