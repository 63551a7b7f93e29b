"""Labelling jobs: what is refused, what is recorded, what doing one leaves behind."""

from __future__ import annotations

import pytest

from shared.contracts.kinds import Kind
from shared.contracts.work import WorkState, failure_of
from shared.errors import ConflictError, IntegrityError, InvalidInputError, NotYetError, StateError, UnavailableError
from shared.runtime.artifacts import blob_key
from shared.runtime.worker import Lease
from svc_label.domain.jobs import LabelRequest, result_from_json
from tests.use_cases.label.world import STEP, World

GOOD = LabelRequest(dataset="pump@1", labeler="stripes")


@pytest.mark.parametrize(
    ("changed", "field", "hint"),
    [
        ({"labeler": "strips"}, "labeler", "did you mean 'stripes'?"),
        ({"labeler": ""}, "labeler", "use one of doubling, stripes"),
        ({"parameters": {"widht": 3}}, "parameters.widht", "did you mean 'width'?"),
        ({"parameters": {"width": 1000}}, "parameters.width", "use 1 to 100"),
        ({"parameters": {"width": "wide"}}, "parameters.width", "is not a number"),
        ({"dataset": ""}, "dataset", "is not a name"),
        ({"dataset": "pump:champion"}, "dataset", "no aliases"),
        ({"dataset": "pump@x"}, "dataset", "must be a number"),
        ({"output": "more"}, "output", "makes no dataset"),
        ({"labeler": "doubling", "output": "a/b"}, "output", "is not a name"),
        ({"labeler": "doubling", "output": "pump"}, "output", "is the dataset itself"),
    ],
)
def test_a_wrong_request_is_refused_by_field_and_announced(world: World, changed, field, hint):
    request = LabelRequest(**{"dataset": "pump@1", "labeler": "stripes", **changed})
    with pytest.raises(InvalidInputError, match="^" + field) as error:
        world.jobs.take("job-1", request)
    assert hint in str(error.value)
    assert [violation.field for violation in error.value.violations] == [field]
    assert not world.jobs.list(10)
    [event] = world.events("label.failed")
    assert event["jobId"] == "job-1"
    assert hint in event["failure"]["reason"]
    assert event["failure"]["cause"] == "invalid_input"


def test_a_job_id_is_checked(world: World):
    with pytest.raises(InvalidInputError, match=r"^job_id"):
        world.jobs.take("no spaces", GOOD)
    assert not world.events("label.failed")


def test_a_request_is_recorded_once(world: World):
    world.jobs.take("job-1", GOOD)
    world.jobs.take("job-1", GOOD)
    assert [work.id for work in world.jobs.list(10)] == ["job-1"]


def test_an_id_cannot_be_used_for_two_requests(world: World):
    world.jobs.take("job-1", GOOD)
    with pytest.raises(ConflictError, match="job-1"):
        world.jobs.take("job-1", LabelRequest(dataset="pump@1", labeler="stripes", parameters={"width": 2}))
    with pytest.raises(InvalidInputError):
        world.jobs.take("job-1", LabelRequest(dataset="pump@1", labeler="nothing"))
    # Neither says of the good job that it failed.
    assert not world.events("label.failed")


def test_a_job_proposes_candidates_and_says_so(world: World):
    dataset = world.add_series("pump")
    work = world.label("pump@1", parameters={"count": 3.0})
    assert work.state is WorkState.COMPLETED
    result = result_from_json(work.result)
    assert (result.candidate_count, result.made, result.dataset.digest) == (3, False, dataset.digest)
    found = world.listed("pump")
    assert [item.candidate.labeler for item in found] == ["stripes"] * 3
    first = found[0].candidate.segment
    assert (first.start_row, first.end_row, first.channel, first.label) == (0, 5, "a", "stripe-0")
    assert (first.start_time, first.end_time) == (1000, 1000 + 4 * STEP)
    [event] = world.events("label.completed")
    assert event == {
        "jobId": "job-1",
        "dataset": {"name": "pump", "version": 1, "manifestDigest": dataset.digest},
        "labeler": "stripes",
        "candidateCount": "3",
    }


def test_the_same_job_again_proposes_the_same_candidates(world: World):
    world.add_series("pump")
    world.label("pump")
    before = world.ids("pump")
    world.label("pump", job_id="job-2")
    assert world.ids("pump") == before


def test_a_stale_attempt_leaves_nothing(world: World):
    world.add_series("pump")
    world.jobs.record("job-1", GOOD)
    stale = world.claim()
    with world.store.transaction() as tx:
        tx.work.release("job-1", stale.attempt, delay_s=0, waiting_for="", spent=False, excused=False)
    world.claim()
    with pytest.raises(StateError, match="Attempt 1"):
        world.jobs.execute(stale, Lease(stale))
    assert not world.ids("pump")
    assert not world.events("label.completed")


def test_a_dataset_that_is_not_registered_may_still_come(world: World):
    world.jobs.record("job-1", GOOD)
    work = world.claim()
    with pytest.raises(NotYetError, match="pump@1"):
        world.jobs.execute(work, Lease(work))


def test_only_series_are_labelled(world: World):
    world.catalogue.register("labels", "0" * 64, Kind.SEGMENTS)
    with pytest.raises(InvalidInputError, match="'stripes' reads series/v1; labels@1 is segments/v1"):
        world.label("labels")


def test_a_series_that_does_not_fit_is_refused(tables, world: World):
    world.add_series("pump")
    small = World(world.folder / "small", world.database, max_values=399)
    small.catalogue, small.series._artifacts = world.catalogue, world.artifacts
    small.jobs._catalogue = world.catalogue
    with pytest.raises(InvalidInputError, match=r"has 400 values.*UPWELL_LABEL_MAX_VALUES"):
        small.label("pump")


def test_a_damaged_series_is_refused(world: World):
    dataset = world.add_series("pump")
    entry = world.artifacts.manifest(dataset.digest).file("series.parquet")
    world.objects.put_bytes(blob_key(entry.sha256), b"other bytes")
    with pytest.raises(IntegrityError, match=r"series.parquet is damaged"):
        world.label("pump")


def test_a_silent_registry_is_unavailable_not_wrong(world: World):
    world.add_series("pump")
    world.catalogue.is_up = False
    with pytest.raises(UnavailableError):
        world.label("pump")


def test_a_job_that_failed_for_good_is_announced_as_it_was_asked(world: World):
    world.jobs.record("job-1", GOOD)
    event = world.jobs.failed(world.claim(), failure_of(NotYetError("There is no dataset 'pump@1'")))
    assert (event.job_id, event.dataset, event.labeler) == ("job-1", "pump@1", "stripes")
    assert event.failure.cause == "not_yet"
