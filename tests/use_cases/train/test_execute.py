"""An attempt that ends well, and what it reads."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from shared.contracts.lineage import base_key
from shared.contracts.work import WorkState
from shared.errors import IntegrityError, InvalidInputError, NotYetError, UnavailableError
from svc_train.domain.run import Progress
from tests.use_cases.train.world import REQUEST, World, failure_of


def test_a_run_ends_with_a_bundle_and_an_event(world: World):
    world.execution()(world.claimed(), world.lease)
    work = world.work()
    assert work.state is WorkState.COMPLETED
    assert world.subjects() == ["base.produced", "train.started", "train.completed"]

    (completed,) = world.events("train.completed")
    manifest = world.artifacts.manifest(completed["bundleDigest"])
    assert work.result == {"bundle_digest": manifest.digest, "metrics": {"f1": 0.5}}
    assert manifest.kind == "bundle/v1"
    assert [entry.path for entry in manifest.files] == ["bundle.json", "sub/weights"]
    assert manifest.meta["base"] == completed["base"]
    assert (manifest.meta["family"], manifest.meta["method"], manifest.meta["recipe"]) == ("fake", "full", "fake-lm")
    assert set(manifest.parents) == {
        world.catalogue.datasets["labels@1"].key,
        base_key(completed["base"]["digest"]),
    }
    assert completed["dataset"] == {
        "name": "labels",
        "version": 1,
        "manifestDigest": world.catalogue.datasets["labels@1"].digest,
    }
    assert completed["hyperparameters"] == {"max_steps": 2, "seed": 0}
    assert completed["environment"] == {
        "git_commit": "abc",
        "torch": "2.13.0",
        "device": "cpu",
        "seed": "0",
        "tokens": "64",
        "wall_seconds": "1.5",
        "peak_rss_bytes": "1000",
        "dataset": world.catalogue.datasets["labels@1"].digest,
        "base": completed["base"]["digest"],
        "devices": "1",
        "device_seconds": "1.5",
    }


def test_the_child_finds_everything_it_is_told_of(world: World):
    seen: dict[str, str] = {}

    def read_files() -> None:
        job = world.launcher.jobs[0]
        seen["segments"] = Path(job["training_set"]["dir"], "segments.parquet").read_text()
        seen["series"] = Path(job["series"][0]["dir"], "series.parquet").read_text()
        seen["base"] = Path(job["base"]["dir"], "config.json").read_text()

    world.launcher.script = [read_files, *world.launcher.script]
    world.execution()(world.claimed(), world.lease)
    assert seen == {"segments": "rows", "series": "values", "base": "weights"}
    (job,) = world.launcher.jobs
    assert job["hyperparameters"] == {"max_steps": 2, "seed": 0}
    assert job["series"][0] == {**job["series"][0], "name": "pump", "digest": world.series, "meta": {"rows": 5}}


def test_progress_and_log_are_kept_in_order_and_offered_live(world: World):
    world.launcher.script = ["a line of a library", *world.launcher.script]
    world.execution()(world.claimed(), world.lease)
    first, second, third = world.journal()
    assert first.happened == "a line of a library"
    assert second.happened == Progress(step=1, total_steps=2, loss=1.0)
    assert third.happened == Progress(step=2, total_steps=2, loss=0.5)
    assert [offered.progress.step for offered in world.feed.offered] == [1, 2]


def test_nothing_of_an_attempt_stays_on_the_disk_but_its_base(world: World):
    work = world.claimed()
    left_behind = world.runs_folder / work.id / "0"
    left_behind.mkdir(parents=True)
    world.execution()(work, world.lease)
    assert list(world.runs_folder.iterdir()) == []
    assert len(list((world.root / "bases").iterdir())) == 1


def test_a_base_is_stored_and_announced_once_until_it_changes(world: World):
    for number, content in enumerate(["weights", "weights", "new weights"]):
        world.shelf.contents["tiny"] = content
        world.start(run_id=f"run-{number}")
        world.execution()(world.claim(), world.lease)
    assert world.shelf.prepared == ["tiny", "tiny"]
    assert len(world.events("base.produced")) == 2
    digests = [completed["base"]["digest"] for completed in world.events("train.completed")]
    assert digests[0] == digests[1] != digests[2]


def test_a_base_that_the_object_store_lost_is_stored_again(world: World):
    world.start(run_id="run-0")
    world.execution()(world.claim(), world.lease)
    digest = world.events("base.produced")[0]["manifestDigest"]
    (world.root / f"objects/manifests/sha256/{digest[:2]}/{digest}.json").unlink()
    world.execution()(world.claimed(), world.lease)
    assert world.artifacts.manifest(digest).kind == "base/v1"


def test_an_unknown_base_is_the_callers_mistake(world: World):
    with pytest.raises(InvalidInputError, match="no base 'other' is built in"):
        world.execution()(world.claimed(replace(REQUEST, base="other")), world.lease)


def test_a_dataset_of_another_kind_is_refused_by_name(world: World):
    world.register("pump@1", world.series, kind="series/v1")
    with pytest.raises(InvalidInputError) as caught:
        world.execution()(world.claimed(replace(REQUEST, dataset="pump@1")), world.lease)
    assert str(caught.value) == (
        "dataset: pump@1 is of the kind series/v1; the recipe 'fake-lm' learns from segments/v1"
    )


def test_a_dataset_that_is_not_known_yet_is_waited_for(world: World):
    work = world.claimed(replace(REQUEST, dataset="later@1"))
    with pytest.raises(NotYetError, match="no dataset 'later@1'") as caught:
        world.execution()(work, world.lease)
    assert failure_of(caught.value).cause == "not_found"
    assert world.subjects() == []


def test_a_registry_that_is_down_is_nobodys_fault(world: World):
    world.catalogue.is_down = True
    with pytest.raises(UnavailableError):
        world.execution()(world.claimed(), world.lease)


def test_every_attempt_reads_the_version_that_the_first_one_found(world: World):
    first = world.catalogue.datasets["labels@1"]
    world.catalogue.datasets["labels"] = first
    work = world.claimed(replace(REQUEST, dataset="labels"))
    world.launcher.exit_code = 1
    with pytest.raises(Exception, match="exit code 1"):
        world.execution()(work, world.lease)
    world.release(work)
    world.catalogue.datasets["labels"] = replace(first, version=2, digest="0" * 64)
    world.launcher.exit_code = 0
    world.execution()(world.claim(), world.lease)
    assert world.events("train.completed")[0]["dataset"]["version"] == 1
    assert [started["attempt"] for started in world.events("train.started")] == [1, 2]


def test_a_training_set_that_names_no_digest_is_damaged(world: World):
    world.register("odd@1", world.store_file("segments/v1", "s", "x", {"series": [{"name": "pump"}]}))
    with pytest.raises(IntegrityError, match="does not name its series rightly"):
        world.execution()(world.claimed(replace(REQUEST, dataset="odd@1")), world.lease)


def test_a_training_set_without_series_is_fine_where_its_kind_has_none(world: World):
    world.register("chat@1", world.store_file("segments/v1", "chat.jsonl", "x", {}))
    world.execution()(world.claimed(replace(REQUEST, dataset="chat@1")), world.lease)
    assert world.launcher.jobs[0]["series"] == []
