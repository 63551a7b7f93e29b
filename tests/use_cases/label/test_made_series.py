"""Labelers that make a dataset: it is stored, announced, and its candidates are approved by a policy."""

from __future__ import annotations

import numpy as np
import pyarrow.parquet as pq

from svc_label.domain.jobs import result_from_json
from svc_label.domain.reviews import Decision
from tests.use_cases.label.world import World


def made(world: World, **changed):
    dataset = world.add_series("pump")
    work = world.label("pump", "doubling", **changed)
    return dataset, result_from_json(work.result)


def test_the_series_is_stored_as_ingest_stores_one(world: World, tmp_path):
    source, result = made(world)
    manifest = world.artifacts.manifest(result.dataset.digest)
    assert manifest.kind == "series/v1"
    assert manifest.parents == (source.key,)
    assert manifest.meta["pieces"] == [[0, 100], [100, 200]]
    assert manifest.meta["rows"] == 200
    assert manifest.meta["channels"] == [{"name": "a"}, {"name": "b"}]
    assert (manifest.meta["time"], manifest.meta["start"], manifest.meta["end"]) == ("index", 1000, 2990)
    world.artifacts.fetch(manifest, tmp_path / "made")
    file = pq.ParquetFile(tmp_path / "made" / "series.parquet")
    group = file.metadata.row_group(0)
    assert "DELTA_BINARY_PACKED" in group.column(0).encodings
    assert "BYTE_STREAM_SPLIT" in group.column(1).encodings
    assert {group.column(i).compression for i in range(3)} == {"ZSTD"}
    assert not any(group.column(i).has_dictionary_page for i in range(3))
    table = file.read()
    assert table.schema.names == ["time", "a", "b"]
    assert table["a"].null_count == 1
    assert not np.isnan(table["b"].to_numpy()).any()


def test_it_is_announced_under_its_name(world: World):
    _, result = made(world)
    assert (result.dataset.name, result.dataset.version, result.made) == ("pump-doubling", 0, True)
    [produced] = world.events("dataset.produced")
    assert produced == {
        "name": "pump-doubling",
        "kind": "series/v1",
        "manifestDigest": result.dataset.digest,
        "producer": "svc_label/job-1",
    }
    [completed] = world.events("label.completed")
    assert completed["dataset"] == {"name": "pump-doubling", "manifestDigest": result.dataset.digest}


def test_the_output_may_be_named(world: World):
    _, result = made(world, output="twice")
    assert result.dataset.name == "twice"


def test_its_candidates_are_approved_by_the_policy(world: World):
    _, result = made(world)
    found = world.listed()
    assert len(found) == 4
    assert {item.candidate.dataset_digest for item in found} == {result.dataset.digest}
    assert {(item.review.decision, item.review.reviewer) for item in found} == {(Decision.APPROVED, "policy:doubling")}
    [event] = world.events("review.decided")
    assert (event["reviewer"], event["approvedCount"]) == ("policy:doubling", "4")


def test_a_policy_does_not_overrule_a_person(world: World):
    made(world)
    rejected = world.ids()[0]
    world.approve("mine", [rejected], Decision.REJECTED)
    world.label("pump", "doubling", job_id="job-2")
    standing = {item.candidate.id: item.review for item in world.listed()}
    assert (standing[rejected].reviewer, standing[rejected].decision) == ("alice", Decision.REJECTED)
    # Nothing was new, so the policy has not spoken again.
    assert len(world.events("review.decided")) == 2


def test_other_parameters_make_another_version(world: World):
    _, first = made(world)
    second = result_from_json(world.label("pump", "doubling", job_id="job-2", parameters={"seed": 1}).result)
    assert first.dataset.digest != second.dataset.digest
    assert len(world.ids()) == 8
