"""Predictions of served models become candidates."""

from __future__ import annotations

import pytest

from shared.errors import IntegrityError, NotFoundError
from svc_label.domain.predictions import Prediction
from svc_label.use_cases.predictions import take_prediction
from tests.use_cases.label.world import World

SEGMENT = {
    "start_row": 10,
    "end_row": 20,
    "start_time": 1100,
    "end_time": 1190,
    "channel": "a",
    "label": "anomaly",
    "confidence": 0.75,
}


def test_segments_become_candidates_of_the_model(world: World):
    dataset = world.add_series("pump")
    world.predict(dataset, [SEGMENT, {**SEGMENT, "channel": "", "confidence": 0.5}])
    found = world.listed("pump", labeler="model:pump@3")
    assert [item.candidate.segment.confidence for item in found] == [0.75, 0.5]
    assert found[0].candidate.segment.end_time == 1190


def test_the_same_prediction_twice_is_one(world: World):
    dataset = world.add_series("pump")
    for _ in range(2):
        world.predict(dataset, [SEGMENT])
    assert len(world.ids("pump")) == 1


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"end_row": 201}, "past the end"),
        ({"end_row": 10}, "not after start_row"),
        ({"channel": "z"}, "not a channel"),
        ({"confidence": 2.0}, "confidence"),
        ({"confidence": float("nan")}, "confidence"),
        ({"start_row": "ten"}, "not what it should be"),
    ],
)
def test_what_does_not_fit_the_series_is_refused_whole(world: World, changed, reason):
    dataset = world.add_series("pump")
    with pytest.raises(IntegrityError, match=reason):
        world.predict(dataset, [SEGMENT, {**SEGMENT, **changed}])
    assert not world.ids("pump")


def test_a_result_that_is_not_there_is_named(world: World):
    dataset = world.add_series("pump")
    prediction = Prediction(job_id="p", dataset=dataset, model="m", model_version=1, result_digest="0" * 64)
    with pytest.raises(NotFoundError, match="no manifest 000000000000"):
        take_prediction(world.store, world.series, world.predictions, prediction)
