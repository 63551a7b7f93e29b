"""Exports: approved claims only, their ancestry, the same version for the same reviews."""

from __future__ import annotations

import pyarrow.parquet as pq
import pytest

from shared.contracts.canonical import digest_of
from shared.contracts.manifest import Manifest
from shared.contracts.series import Segment
from shared.contracts.versions import DatasetVersion
from shared.errors import InvalidInputError, NotFoundError, StateError
from svc_label.domain.batches import Batch, BulkDecision, Caller, SingleDecision
from svc_label.domain.exports import Export
from svc_label.domain.picking import Pick
from svc_label.domain.queue import CandidateFilter
from svc_label.domain.reviews import Decision
from tests.use_cases.label.test_predictions import SEGMENT
from tests.use_cases.label.world import ALICE, World


@pytest.fixture
def pump(world: World) -> DatasetVersion:
    dataset = world.add_series("pump")
    world.label("pump", parameters={"count": 10})
    return dataset


def export(world: World, dataset: str = "pump", *, output: str = "", labeler: str = "") -> tuple[Manifest, Export]:
    made, exported = world.exporting.export(dataset, output=output, labeler=labeler)
    return world.artifacts.manifest(made.digest), exported


def rows(world: World, manifest: Manifest, tmp_path, file: str) -> list[dict]:
    world.artifacts.fetch(manifest, tmp_path / manifest.digest)
    return pq.read_table(tmp_path / manifest.digest / file).to_pylist()


def test_only_what_is_approved_goes_in_as_it_was_corrected(world: World, pump, tmp_path):
    ids = world.ids("pump")
    world.approve("b-1", ids[:2])
    world.approve("b-2", ids[2:4], Decision.REJECTED)
    segment = Segment(start_row=150, end_row=160, start_time=0, end_time=0, channel="", label="")
    world.decide("b-3", SingleDecision(candidate_id=ids[4], decision=Decision.CORRECTED, corrected=segment))
    manifest, exported = export(world)
    segments = rows(world, manifest, tmp_path, "segments.parquet")
    assert [row["candidate_id"] for row in segments] == [ids[0], ids[1], ids[4]]
    assert segments[2] | {"review_id": ""} == {
        "series": "pump",
        "series_digest": pump.digest,
        "start_row": 150,
        "end_row": 160,
        "start_time": 2500,
        "end_time": 2590,
        "channel": "a",
        "label": "stripe-4",
        "confidence": 0.6,
        "candidate_id": ids[4],
        "review_id": "",
        "reviewer": "alice",
        "labeler": "stripes",
    }
    reviews = rows(world, manifest, tmp_path, "reviews.parquet")
    assert [(row["candidate_id"], row["decision"]) for row in reviews] == [
        (ids[0], "approved"),
        (ids[1], "approved"),
        (ids[4], "corrected"),
    ]
    assert max(row["decided_at"] for row in reviews) == exported.newest_review_at


def test_the_manifest_names_series_reviews_and_labelers(world: World, pump):
    ids = world.ids("pump")
    world.approve("b-1", ids[:2])
    manifest, exported = export(world)
    reviews = [item.review for item in world.listed("pump", decision=Decision.APPROVED)]
    digest = digest_of(sorted([r.candidate_id, r.id, "approved", "alice"] for r in reviews))
    assert manifest.kind == "segments/v1"
    assert manifest.meta == {
        "series": [{"name": "pump", "digest": pump.digest}],
        "reviews": {"digest": digest, "count": 2},
        "labelers": ["stripes"],
        "segment_count": 2,
    }
    assert manifest.parents == tuple(sorted([pump.key, f"reviews/{digest}"]))
    assert exported.quality is None
    [produced] = world.events("dataset.produced")
    assert produced == {
        "name": "pump-labels",
        "kind": "segments/v1",
        "manifestDigest": manifest.digest,
        "producer": "svc_label/export",
    }


def test_equal_reviews_are_the_same_version_and_another_decision_is_another(world: World, pump):
    ids = world.ids("pump")
    world.approve("b-1", ids[:2])
    first, _ = export(world)
    assert export(world)[0].digest == first.digest
    world.approve("b-2", ids[2:3])
    assert export(world)[0].digest != first.digest


def test_predictions_that_went_in_are_ancestors(world: World, pump):
    world.predict(pump, [SEGMENT], job_id="p-1")
    world.predict(pump, [{**SEGMENT, "end_row": 30}], job_id="p-2")
    taken = world.ids("pump", labeler="model:pump@3", how=Pick.LOWEST)
    of_second = next(i for i in world.listed("pump", labeler="model:pump@3") if i.candidate.segment.end_row == 30)
    world.approve("b-1", [of_second.candidate.id])
    assert len(taken) == 2
    assert [p for p in export(world)[0].parents if p.startswith("prediction/")] == ["prediction/p-2"]


def test_one_labelers_claims_may_be_exported_alone(world: World, pump):
    world.predict(pump, [SEGMENT])
    world.approve("b-1", world.ids("pump"))
    manifest, _ = export(world, labeler="model:pump@3", output="from-model")
    assert manifest.meta["segment_count"] == 1
    assert world.events("dataset.produced")[0]["name"] == "from-model"


def test_made_series_export_apart_from_their_source(world: World, pump):
    world.label("pump", "doubling", job_id="job-2")
    with pytest.raises(StateError):
        export(world, "pump")
    digest = world.listed(labeler="doubling")[0].candidate.dataset_digest
    world.catalogue.register("pump-doubling", digest, "series/v1")
    manifest, exported = export(world, "pump-doubling")
    assert manifest.meta["series"] == [{"name": "pump-doubling", "digest": digest}]
    assert len(exported.claims) == 4


def test_nothing_approved_says_what_to_do(world: World, pump):
    world.approve("b-1", world.ids("pump"), Decision.REJECTED)
    with pytest.raises(StateError, match=r"No candidate of 'stripes' for pump@1 is approved.*then export again"):
        export(world, labeler="stripes")
    assert not world.events("dataset.produced")


def test_wrong_names_are_refused(world: World, pump):
    with pytest.raises(InvalidInputError, match="output"):
        export(world, output="a/b")
    with pytest.raises(NotFoundError, match="pmup"):
        export(world, "pmup")
    world.catalogue.register("labels", "0" * 64, "segments/v1")
    with pytest.raises(InvalidInputError, match="labels@1 is segments/v1"):
        export(world, "labels")


def test_the_random_arm_tells_the_quality(world: World, pump):
    drawn = world.ids("pump", how=Pick.RANDOM, limit=6, seed=3)
    world.approve("b-1", drawn[:4])
    world.approve("b-2", drawn[4:6], Decision.REJECTED)
    # A policy's word and decisions in bulk are no judgement.
    admin = Caller(name="root", may_speak_for_others=True)
    wanted = CandidateFilter(undecided_only=True)
    bulk = BulkDecision(dataset="pump", wanted=wanted, decision=Decision.APPROVED)
    world.reviewing.decide(Batch(id="b-3", bulk=bulk, reviewer="policy:all"), admin)
    manifest, exported = export(world)
    quality = exported.quality
    assert quality is not None
    assert (quality.judged_count, quality.right_count) == (6, 4)
    assert quality.share == pytest.approx(4 / 6)
    assert 0 < quality.low < 4 / 6 < quality.high < 1
    assert manifest.meta["quality"]["share"] == pytest.approx(4 / 6, abs=1e-6)


def test_what_was_taken_from_the_top_tells_no_quality(world: World, pump):
    world.reviewing.decide(
        Batch(
            id="b",
            decisions=tuple(
                SingleDecision(candidate_id=i, decision=Decision.APPROVED) for i in world.ids("pump", limit=5)
            ),
        ),
        ALICE,
    )
    assert export(world)[1].quality is None
