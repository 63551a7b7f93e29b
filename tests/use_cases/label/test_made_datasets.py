"""Labelers that make a dataset of another: files in, files out, nothing to review."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from shared.contracts.parameters import parameter
from shared.errors import InvalidInputError, RetryableError
from shared.runtime.worker import Lease
from svc_label.domain.jobs import LabelRequest, result_from_json
from svc_label.labelers.base import MadeDataset, StoredDataset
from svc_label.wire.jobs import job_message, labeler_message
from tests.use_cases.label.world import Stripes, World


@dataclass(frozen=True, slots=True, kw_only=True)
class CountingParameters:
    times: int = parameter(1, low=1, high=9)


@dataclass(frozen=True, slots=True)
class Counting:
    """Counts the words of a text, several times."""

    name: str = "counting"
    summary: str = "Counts words."
    kinds: tuple[str, ...] = ("words/v1",)
    makes: str = "counts/v1"
    parameters: type[CountingParameters] = CountingParameters

    def make(
        self, dataset: StoredDataset, parameters: CountingParameters, folder: Path, must_stop: Callable[[], bool]
    ) -> MadeDataset:
        if must_stop():
            raise RetryableError("stopped")
        assert list(folder.iterdir()) == []
        count = len((dataset.folder / "words" / "text.txt").read_text().split()) * parameters.times
        path = folder / "count.json"
        path.write_text(json.dumps(count))
        meta = {"of": dataset.name, "language": dataset.meta["language"]}
        return MadeDataset(kind=self.makes, files={"count.json": path}, meta=meta, rows=count)


@pytest.fixture
def counting(world: World) -> World:
    world.jobs._labelers = {"counting": Counting(), "stripes": Stripes()}
    path = world.folder / "text.txt"
    path.write_text("一 二 三")
    manifest = world.artifacts.store(
        kind="words/v1", files={"words/text.txt": path}, meta={"language": "zh"}, parents=["source/file:text.txt"]
    )
    world.catalogue.register("words", manifest.digest, "words/v1")
    return world


def test_the_dataset_is_stored_and_announced_and_nothing_waits_for_review(counting: World):
    source = counting.catalogue.dataset("words")
    work = counting.label("words", "counting", parameters={"times": 2.0})
    result = result_from_json(work.result)
    manifest = counting.artifacts.manifest(result.dataset.digest)
    assert (manifest.kind, manifest.parents) == ("counts/v1", (source.key,))
    assert manifest.meta == {"of": "words", "language": "zh", "rows": 6}
    assert [entry.path for entry in manifest.files] == ["count.json"]
    assert (result.dataset.name, result.made, result.candidate_count) == ("words-counting", True, 0)
    assert job_message(work).output.name == "words-counting"
    [produced] = counting.events("dataset.produced")
    assert (produced["name"], produced["kind"]) == ("words-counting", "counts/v1")
    [completed] = counting.events("label.completed")
    assert completed["dataset"]["manifestDigest"] == result.dataset.digest
    assert counting.listed() == []
    assert not [path for path in counting.scratch.own.rglob("*") if path.name in {"text.txt", "count.json"}]


@pytest.mark.parametrize(
    ("labeler", "changed", "says"),
    [
        ("counting", {"parameters": {"time": 2}}, "parameters.time: .* did you mean 'times'"),
        ("counting", {"output": "words"}, "output: 'words' is the dataset itself"),
    ],
)
def test_a_wrong_request_is_refused_before_it_is_recorded(
    counting: World, labeler: str, changed: dict[str, Any], says: str
):
    with pytest.raises(InvalidInputError, match=says):
        counting.jobs.record("job-1", LabelRequest(dataset="words", labeler=labeler, **changed))


def test_another_kind_is_refused_by_both_sorts_of_labelers(counting: World):
    counting.add_series("pump")
    with pytest.raises(
        InvalidInputError, match=r"'counting' reads words/v1; pump@1 is series/v1 \(`upwell label list`"
    ):
        counting.label("pump", "counting")
    counting.jobs.failed(counting.jobs.get("job-1"), counting.jobs._explain(ValueError()))
    with pytest.raises(
        InvalidInputError, match=r"'stripes' reads series/v1; words@1 is words/v1 \(`upwell label list`"
    ):
        counting.label("words", "stripes", job_id="job-2")


def test_it_stops_when_the_lease_says_so(counting: World):
    counting.jobs.record("job-1", LabelRequest(dataset="words", labeler="counting"))
    lease = Lease(counting.jobs.get("job-1"))
    lease.stop()
    with pytest.raises(RetryableError):
        counting.jobs.execute(counting.claim(), lease)
    assert counting.events("dataset.produced") == []


def test_the_listing_says_what_is_read_and_what_is_made():
    counting, stripes = labeler_message(Counting()), labeler_message(Stripes())
    assert (list(counting.kinds), counting.makes) == (["words/v1"], "counts/v1")
    assert (list(stripes.kinds), stripes.makes) == (["series/v1"], "")
    assert [one.name for one in stripes.described_parameters] == ["count", "width", "seed"]
