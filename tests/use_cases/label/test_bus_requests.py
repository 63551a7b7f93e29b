"""Requests for labelling as they lie on the bus."""

from __future__ import annotations

from typing import Any

import pytest

from shared.errors import InvalidInputError
from svc_label.handlers import take_events
from tests.support.fake_bus import FakeBus
from tests.use_cases.label.world import World
from upwell.label.v1 import events_pb2 as events


async def deliver(world: World, body: str, **headers: str) -> None:
    bus: Any = FakeBus()
    take_events(bus, world.jobs, lambda prediction: None)
    await bus.deliver(events.LabelRequested, body.encode(), **headers)


@pytest.mark.parametrize(
    ("parameters", "reason"),
    [
        ('{"width": NaN}', "parameters.width: nan is not a finite number"),
        ('{"width": -1e999}', "parameters.width: -inf is not a finite number"),
        ('{"widht": Infinity}', "parameters.widht: there is no such parameter; did you mean 'width'?"),
        ('{"width": [{"a": [NaN]}]}', "parameters.width: [{'a': [nan]}] is not a number"),
    ],
)
async def test_a_number_that_json_does_not_know_is_refused_aloud(world: World, parameters, reason):
    with pytest.raises(InvalidInputError) as error:
        await deliver(
            world, f'{{"job_id": "j", "dataset": "pump@1", "labeler": "stripes", "parameters": {parameters}}}'
        )
    assert str(error.value) == reason
    (failed,) = world.events("label.failed")
    assert (failed["jobId"], failed["failure"]["reason"]) == ("j", reason)
    assert not world.jobs.list(10)


WRONG = '{"job_id": "%s", "dataset": "pump@1", "labeller": "stripes"}'


async def test_a_request_with_an_unknown_field_is_refused_aloud(world: World):
    with pytest.raises(InvalidInputError, match='no field named "labeller"'):
        await deliver(world, WRONG % "j")
    (failed,) = world.events("label.failed")
    assert (failed["jobId"], failed["dataset"], failed["failure"]["cause"]) == ("j", "pump@1", "invalid_input")
    assert 'no field named "labeller"' in failed["failure"]["reason"]
    assert not world.jobs.list(10)


async def test_nothing_is_said_of_a_job_whose_id_a_wrong_request_has(world: World):
    await deliver(world, '{"job_id": "j", "dataset": "pump@1", "labeler": "stripes"}')
    for job_id in ("j", "no spaces"):
        with pytest.raises(InvalidInputError):
            await deliver(world, WRONG % job_id)
    assert not world.events("label.failed")


async def test_a_request_is_recorded_under_the_id_of_its_event(world: World):
    body = '{"dataset": "pump@1", "labeler": "stripes", "parameters": {"width": 3, "count": 2.0}}'
    for _ in range(2):
        await deliver(world, body, **{"ce-id": "a client's own id"})
    (work,) = world.jobs.list(10)
    assert work.request["parameters"] == {"width": 3, "count": 2}
