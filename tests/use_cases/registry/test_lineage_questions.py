"""Questions about training data over SQLite and a folder of artifacts, with review files as svc_label writes them."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from shared.contracts.canonical import sha256_hex
from shared.contracts.lineage import base_key, model_key, run_key
from shared.contracts.manifest import FileEntry, Manifest
from shared.contracts.versions import DatasetVersion
from shared.errors import IntegrityError, InvalidInputError, NotFoundError, UnavailableError
from svc_registry.adapters import reviews_file
from svc_registry.adapters.reviews_file import ParquetReviews
from svc_registry.domain.graph import Direction
from svc_registry.indexer import ReviewIndexer
from svc_registry.use_cases import facts
from svc_registry.use_cases.lineage import find_path, find_trained_models, walk_lineage
from svc_registry.use_cases.reviewing import ReviewIndexing
from tests.use_cases.registry.lineage_world import MOMENT, World, candidate

SOURCE = "source/file:泵.csv"


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def two_exports(world: World) -> tuple[DatasetVersion, DatasetVersion, DatasetVersion]:
    """A series, what rita and otto approved of it (indexed), and what otto alone approved."""
    series = world.series("pump", SOURCE)
    both = world.export("both", series, {"rita": [1, 2], "otto": [3]})
    alone = world.export("alone", series, {"otto": [4]})
    for dataset in (both, alone):
        assert world.index(dataset) == []
    return series, both, alone


# --- which models were trained on ... ---


def test_models_by_reviewer_candidate_source_and_dataset(world: World) -> None:
    series, both, alone = two_exports(world)
    world.train("run-1", both)
    world.train("run-2", alone)
    assert world.runs("reviewer", "rita") == ["run-1"]
    assert world.runs("reviewer", "otto") == ["run-2", "run-1"]
    assert world.runs("candidate", candidate(series, 2).id) == ["run-1"]
    assert world.runs("candidate", candidate(series, 4).id) == ["run-2"]
    assert world.runs("candidate", candidate(series, 5).id) == []
    assert world.runs("source", SOURCE) == world.runs("source", "泵.csv") == ["run-2", "run-1"]
    assert world.runs("source", "file:泵.csv") == ["run-2", "run-1"]
    assert world.runs("dataset", "alone@1") == world.runs("dataset", alone.key) == ["run-2"]
    assert world.runs("dataset", "pump") == ["run-2", "run-1"]


def test_an_answer_explains_itself(world: World) -> None:
    _, both, _ = two_exports(world)
    world.train("run-1", both)
    world.train("run-2", both, parent="run-1")
    found = world.trained_on("reviewer", "rita")
    assert found.start_count == 1
    paths = {record.version: [(node.type, node.label) for node in path] for record, path in found.models}
    assert paths[1] == [
        ("reviews", ""),
        ("dataset", "both@1"),
        ("run", "series-lm run-1"),
        ("model", "detector@1"),
    ]
    assert paths[2] == [*paths[1][:2], ("run", "series-lm run-2"), ("model", "detector@2")]


def test_a_chain_of_stages_and_a_merged_dataset_pass_reviews_on(world: World) -> None:
    series, both, alone = two_exports(world)
    world.train("run-1", both)
    world.train("run-2", alone, parent="run-1")
    merged = world.merged("merged", both, alone)
    assert world.index(merged) == []
    again = world.merged("again", merged)
    world.train("run-3", again)
    assert world.runs("reviewer", "rita") == ["run-3", "run-2", "run-1"]
    assert world.runs("candidate", candidate(series, 4).id) == ["run-3", "run-2"]


def test_labels_that_a_model_proposed_count_only_where_asked_for(world: World) -> None:
    series, both, _ = two_exports(world)
    world.train("run-1", both)
    other = world.series("other", "source/file:other.csv")
    proposed = world.predict("job-1", "run-1", other)
    world.train("run-2", world.export("proposed", other, {"eve": [1]}, origin=proposed))
    assert world.runs("reviewer", "rita") == ["run-1"]
    assert world.runs("reviewer", "rita", through_predictions=True) == ["run-2", "run-1"]
    assert world.runs("dataset", f"{series.name}@1") == ["run-1"]


def test_pages_of_models(world: World) -> None:
    _, both, _ = two_exports(world)
    for number in range(5):
        world.train(f"run-{number}", both)

    def page(before_id: int) -> list[int]:
        found = find_trained_models(
            world.store, "reviewer", "rita", through_predictions=False, before_id=before_id, limit=2
        )
        return [record.id for record, _ in found.models]

    first = page(0)
    assert first + page(first[-1]) + page(page(first[-1])[-1]) == [5, 4, 3, 2, 1]


def test_names_that_are_not_there(world: World) -> None:
    for subject, value in (("source", "nothing.csv"), ("dataset", "nothing@1"), ("dataset", "dataset/x/1")):
        with pytest.raises(NotFoundError, match=r"nothing|dataset/x/1"):
            world.trained_on(subject, value)
    for subject in ("", "reviewer"):
        with pytest.raises(InvalidInputError, match="name a reviewer"):
            world.trained_on(subject, "")
    assert world.trained_on("reviewer", "nobody").start_count == 0


# --- ways ---


def test_a_way_between_two_references_in_either_order(world: World) -> None:
    _, both, _ = two_exports(world)
    world.train("run-1", both)
    world.train("run-2", both, parent="run-1")
    for one, other in (("pump@1", "detector@2"), ("detector@2", "pump@1")):
        path = find_path(world.store, one, other)
        assert path.ancestor.startswith("dataset/pump/")
        assert path.descendant == model_key("run-2")
        types = sorted(node.type for node in path.graph.nodes)
        assert types == ["dataset", "dataset", "model", "model", "run", "run"]


def test_no_way(world: World) -> None:
    _, both, alone = two_exports(world)
    path = find_path(world.store, "both@1", "alone@1")
    assert (path.ancestor, path.descendant) == ("", "")
    assert {node.key for node in path.graph.nodes} == {both.key, alone.key}
    same = find_path(world.store, "both@1", both.key)
    assert (same.ancestor, same.descendant) == (both.key, both.key)


def test_an_end_that_is_not_there_is_named(world: World) -> None:
    two_exports(world)
    with pytest.raises(NotFoundError, match="no 'run/nothing'"):
        find_path(world.store, "pump@1", "run/nothing")
    with pytest.raises(NotFoundError, match="'nothing@1'"):
        find_path(world.store, "nothing@1", "pump@1")


# --- facts ---


def test_facts_come_with_the_nodes(world: World) -> None:
    series, both, _ = two_exports(world)
    world.train("run-1", both)
    job = world.predict("job-1", "run-1", series)
    _, graph = walk_lineage(world.store, job, Direction.UP, max_depth=0, include_facts=True)
    nodes = {node.key: node for node in graph.nodes}
    assert nodes[job].made_at == MOMENT
    assert nodes[series.key].facts["channels"] == [{"name": "温度"}]
    assert nodes[series.key].facts["producer"] == "svc_ingest/pump"
    assert nodes[series.key].made_at is not None
    run = nodes[run_key("run-1")]
    assert (run.facts["recipe"], run.facts["total_steps"], run.facts["stage"]) == ("series-lm", 40, "stage1")
    assert run.facts["hyperparameters"] == {"max_steps": 40, "method": "lora"}
    assert run.made_at == MOMENT
    assert nodes[model_key("run-1")].facts["version"] == 1
    assert nodes[base_key("b" * 64)].facts == {}
    (reviews,) = [node for node in graph.nodes if node.type == "reviews"]
    assert reviews.facts == {"reviewers": {"otto": 1, "rita": 2}, "candidate_count": 3}


def test_facts_of_too_many_nodes_are_refused(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    two_exports(world)
    monkeypatch.setattr(facts, "MOST_NODES", 2)
    with pytest.raises(InvalidInputError, match="include_facts: 4 nodes are more than 2"):
        walk_lineage(world.store, SOURCE, Direction.DOWN, max_depth=0, include_facts=True)


# --- the index ---


def test_a_damaged_file_is_remembered_and_read_once_it_is_whole(world: World) -> None:
    series = world.series("pump", SOURCE)
    labels = world.export("labels", series, {"rita": [1]})
    file = world.review_file(labels)
    whole = file.read_bytes()
    file.write_bytes(whole[:-10])
    (reason,) = world.index(labels)
    assert "reviews.parquet is damaged" in reason
    world.train("run-1", labels)
    found = world.trained_on("reviewer", "rita")
    assert (found.models, found.start_count) == ([], 0)
    assert [unread.reason for unread in found.unread] == [reason]
    file.write_bytes(whole)
    assert world.indexing.catch_up() == []
    assert world.runs("reviewer", "rita") == ["run-1"]
    assert world.trained_on("reviewer", "rita").unread == []


def test_a_missing_file_and_a_missing_manifest_block_nothing(world: World) -> None:
    series = world.series("pump", SOURCE)
    for name in ("first", "second"):
        labels = world.export(name, series, {name: [1]})
        path = world.review_file(labels)
        path.unlink()
        if name == "second":
            digest = labels.digest
            (world.root / "objects" / f"manifests/sha256/{digest[:2]}/{digest}.json").unlink()
    kept = world.export("kept", series, {"rita": [1]})
    reasons = sorted(unread.reason for unread in world.indexing.catch_up())
    assert "missing in the object store" in reasons[1]
    assert "no manifest" in reasons[0]
    world.train("run-1", kept)
    assert world.runs("reviewer", "rita") == ["run-1"]


def test_datasets_of_older_releases_are_caught_up_page_by_page(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("svc_registry.use_cases.reviewing.PAGE", 2)
    series = world.series("pump", SOURCE)
    exports = [world.export(f"labels-{number}", series, {f"r{number}": [number]}) for number in range(5)]
    world.merged("merged", *exports)
    assert world.indexing.catch_up() == []
    for number, labels in enumerate(exports):
        world.train(f"run-{number}", labels)
        assert world.runs("reviewer", f"r{number}") == [f"run-{number}"]


def test_a_store_that_is_down_is_no_damage(world: World) -> None:
    series = world.series("pump", SOURCE)
    labels = world.export("labels", series, {"rita": [1]})

    class Down:
        def opened(self, entry: FileEntry) -> None:
            raise UnavailableError("away")

    indexing = ReviewIndexing(store=world.store, artifacts=world.artifacts, files=Down())  # type: ignore[arg-type]
    with pytest.raises(UnavailableError):
        indexing.index_dataset(labels.name, labels.digest)
    assert world.index(labels) == []


def entry_of(world: World, table: pa.Table) -> FileEntry:
    path = world.root / "table.parquet"
    pq.write_table(table, path)
    return world.artifacts.store(kind="x", files={"reviews.parquet": path}, meta={}, parents=[]).files[0]


def read(world: World, entry: FileEntry) -> list[str]:
    with ParquetReviews(world.artifacts, world.root / "scratch").opened(entry) as batches:
        return [approved.candidate_id for batch in batches for approved in batch]


def test_a_review_file_is_read_in_batches_and_leaves_nothing_behind(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reviews_file, "BATCH_ROWS", 10)
    ids = [f"c{number}" for number in range(25)]
    decisions = ["rejected", *["approved", "corrected"] * 12]
    table = pa.table({"decision": decisions, "candidate_id": ids, "reason": ids, "reviewer": ["r"] * 25})
    assert read(world, entry_of(world, table)) == ids[1:]
    assert list((world.root / "scratch").iterdir()) == []


@pytest.mark.parametrize(
    ("table", "reason"),
    [
        (pa.table({"candidate_id": ["a"], "decision": ["approved"]}), "no column reviewer"),
        (pa.table({"candidate_id": ["a"], "decision": ["approved"], "reviewer": pa.nulls(1)}), "without candidate or"),
        (pa.table({"candidate_id": [1], "decision": ["approved"], "reviewer": ["r"]}), "without candidate or"),
        (pa.table({"candidate_id": ["a\0"], "decision": ["approved"], "reviewer": ["r"]}), "could be indexed"),
        (pa.table({"candidate_id": ["a"], "decision": ["approved"], "reviewer": ["r" * 501]}), "could be indexed"),
    ],
)
def test_a_file_of_another_shape_is_refused(world: World, table: pa.Table, reason: str) -> None:
    with pytest.raises(IntegrityError, match=reason):
        read(world, entry_of(world, table))


def test_what_is_no_parquet_or_too_large_is_refused(world: World) -> None:
    path = world.root / "reviews.parquet"
    path.write_text("candidate,reviewer\n")
    entry = world.artifacts.store(kind="x", files={"reviews.parquet": path}, meta={}, parents=[]).files[0]
    with pytest.raises(IntegrityError, match="no Parquet file"):
        read(world, entry)
    huge = FileEntry(path="reviews.parquet", sha256=entry.sha256, size_bytes=2**40, media_type="")
    with pytest.raises(IntegrityError, match="1099511627776 bytes"):
        read(world, huge)


def test_a_manifest_without_the_file_it_speaks_of_is_remembered(world: World) -> None:
    key = "reviews/" + sha256_hex(b"x")
    manifest = Manifest(kind="segments/v1", files=(), meta={}, parents=(key,))
    world.objects.put_bytes(f"manifests/sha256/{manifest.digest[:2]}/{manifest.digest}.json", manifest.to_bytes())
    (reason,) = world.index(world.register("labels", manifest.digest, kind="segments/v1"))
    assert "lists no file 'reviews.parquet'" in reason


async def test_the_indexer_says_what_it_could_not_read(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    series = world.series("pump", SOURCE)
    labels = world.export("labels", series, {"rita": [1]})
    world.review_file(labels).unlink()
    await ReviewIndexer(world.indexing).index_dataset(labels.name, labels.digest)
    said = capsys.readouterr().out
    assert "a review set is not indexed" in said
    assert "missing in the object store" in said
