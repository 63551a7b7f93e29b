"""Requests for runs as they lie on the bus."""

from __future__ import annotations

from typing import Any

import pytest

from shared.errors import InvalidInputError
from svc_train.handlers import take_requests
from tests.support.fake_bus import FakeBus
from tests.use_cases.train.world import World
from upwell.train.v1 import events_pb2 as events


async def deliver(world: World, body: str) -> None:
    bus: Any = FakeBus()
    take_requests(bus, world.store, world.recipes)
    await bus.deliver(events.TrainRequested, body.encode())


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999"])
async def test_a_number_that_json_does_not_know_is_refused_aloud(world: World, number):
    with pytest.raises(InvalidInputError, match=r"^hyperparameters\.max_steps: .* is not a whole number$") as error:
        await deliver(
            world,
            '{"run_id": "r", "recipe": "fake-lm", "dataset": "labels@1", "model": "detector", '
            f'"hyperparameters": {{"max_steps": {number}}}}}',
        )
    (failed,) = world.events("train.failed")
    assert (failed["runId"], failed["model"], failed["failure"]["reason"]) == ("r", "detector", str(error.value))
    assert failed["failure"]["cause"] == "invalid_input"


async def test_a_request_with_an_unknown_field_is_refused_aloud_unless_its_id_is_that_of_a_run(world: World):
    body = '{"run_id": "%s", "model": "detector", "epochs": 3}'
    world.start(run_id="good")
    for run_id in ("bad", "good"):
        with pytest.raises(InvalidInputError, match='no field named "epochs"'):
            await deliver(world, body % run_id)
    (failed,) = world.events("train.failed")
    assert (failed["runId"], failed["model"], failed["failure"]["cause"]) == ("bad", "detector", "invalid_input")
    assert 'no field named "epochs"' in failed["failure"]["reason"]
