"""Ways through the lineage graph and the index of review sets: one suite on SQLite and on PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import event, text
from sqlmodel import SQLModel, delete, select

from shared.contracts.canonical import sha256_hex
from shared.contracts.lineage import NodeType, model_key, reviews_key, run_key, source_key
from shared.contracts.manifest import FileEntry, Manifest
from shared.contracts.versions import BaseVersion, DatasetVersion, ModelRef
from shared.runtime.database import Database
from shared.runtime.migrations import migrate
from svc_registry.adapters.store import SqlRegistryStore
from svc_registry.adapters.tables import (
    EdgeRow,
    NodeRow,
    ReviewSetCandidateRow,
    ReviewSetReviewerRow,
    ReviewSetRow,
)
from svc_registry.bootstrap import MIGRATIONS
from svc_registry.domain.graph import Edge, Graph, Node, graph_of_manifest, graph_of_model, graph_of_prediction
from svc_registry.domain.records import NewModel, NewPrediction
from svc_registry.domain.reviews import ReviewedCandidate, Subject, SubjectType, UnreadSet

pytestmark = pytest.mark.connected
REVIEWER, CANDIDATE, NODE = SubjectType.REVIEWER, SubjectType.CANDIDATE, SubjectType.NODE
TABLES: tuple[type[SQLModel], ...] = (EdgeRow, NodeRow, ReviewSetRow, ReviewSetReviewerRow, ReviewSetCandidateRow)


@pytest.fixture
def store(database: Database) -> SqlRegistryStore:
    migrate(database, MIGRATIONS)
    return SqlRegistryStore(database, source="svc_registry")


def add_edges(store: SqlRegistryStore, *edges: tuple[str, str]) -> None:
    """Join (parent, child) edges in; a key's type is what stands before its first slash."""
    keys = sorted({key for edge in edges for key in edge})
    nodes = tuple(Node(key=key, type=key.partition("/")[0], label=key, seen=True) for key in keys)
    with store.transaction() as tx:
        tx.lineage.add(Graph(nodes=nodes, edges=tuple(Edge(*edge) for edge in edges)))


def between(store: SqlRegistryStore, one: str, other: str) -> tuple[set[str], set[Edge]]:
    with store.reading() as tx:
        graph = tx.lineage.between(one, other)
    assert len(graph.nodes) == len({node.key for node in graph.nodes})
    return {node.key for node in graph.nodes}, set(graph.edges)


def below(
    store: SqlRegistryStore, type_: SubjectType, value: str, *, through_predictions: bool = False
) -> tuple[frozenset[str], set[str]]:
    with store.reading() as tx:
        starts, graph = tx.lineage.below(Subject(type_, value), through_predictions=through_predictions)
    return starts, {node.key for node in graph.nodes}


def put(store: SqlRegistryStore, key: str, *approved: tuple[str, str]) -> None:
    """Index a set of (candidate, reviewer) in two batches."""
    entries = [ReviewedCandidate(*one) for one in approved]
    with store.transaction() as tx:
        tx.reviews.put(key, iter([entries[:1], entries[1:]]))


class Statements:
    """Counts what is sent to a database."""

    def __init__(self, database: Database) -> None:
        self.selects = 0
        event.listen(database.engine, "before_cursor_execute", self._count)

    def _count(self, connection, cursor, statement, *rest) -> None:  # type: ignore[no-untyped-def]
        self.selects += "SELECT" in statement


# --- ways between two nodes ---


def test_every_way_between_two_nodes_and_nothing_else(store: SqlRegistryStore) -> None:
    ways = [("a", "left"), ("a", "right"), ("left", "b"), ("right", "b"), ("a", "b")]
    add_edges(store, *ways, ("above", "a"), ("b", "below"), ("left", "dead-end"), ("stranger", "right"))
    expected = {"a", "left", "right", "b"}, {Edge(*way) for way in ways}
    assert between(store, "a", "b") == expected
    assert between(store, "b", "a") == expected


def test_no_way_leaves_the_two_ends(store: SqlRegistryStore) -> None:
    add_edges(store, ("root", "one"), ("root", "other"), ("one", "both"), ("other", "both"))
    assert between(store, "one", "other") == ({"one", "other"}, set())
    assert between(store, "one", "one") == ({"one"}, set())
    assert between(store, "one", "nobody") == ({"one"}, set())


def test_a_way_through_a_cycle_ends(store: SqlRegistryStore) -> None:
    add_edges(store, ("a", "b"), ("b", "c"), ("c", "a"))
    assert between(store, "a", "c")[0] == {"a", "b", "c"}


def test_fifty_stages_are_one_query(database: Database, store: SqlRegistryStore) -> None:
    stages = [key for number in range(50) for key in (run_key(f"{number:02}"), model_key(f"{number:02}"))]
    add_edges(store, *pairwise(stages), *((source_key("x"), run) for run in stages[::2]))
    statements = Statements(database)
    nodes, edges = between(store, stages[0], stages[-1])
    assert (len(nodes), len(edges)) == (100, 99)
    assert statements.selects == 1
    starts, reached = below(store, NODE, source_key("x"))
    assert (starts, len(reached)) == ({source_key("x")}, 101)
    assert statements.selects == 2


# --- what a reviewer, a candidate or a node stands for ---


def test_a_reviewer_and_a_candidate_stand_for_every_set_that_names_them(store: SqlRegistryStore) -> None:
    add_edges(store, ("reviews/1", "dataset/a"), ("reviews/2", "dataset/b"), ("dataset/b", "run/r"))
    put(store, "reviews/1", ("c1", "丽塔"), ("c2", "otto"))
    put(store, "reviews/2", ("c1", "丽塔"), ("c3", "丽塔"))
    assert below(store, REVIEWER, "丽塔") == (
        {"reviews/1", "reviews/2"},
        {"reviews/1", "reviews/2", "dataset/a", "dataset/b", "run/r"},
    )
    assert below(store, REVIEWER, "otto")[0] == {"reviews/1"}
    assert below(store, CANDIDATE, "c3")[1] == {"reviews/2", "dataset/b", "run/r"}
    assert below(store, CANDIDATE, "c4") == (frozenset(), set())
    with store.reading() as tx:
        assert tx.reviews.reviewers(["reviews/1", "reviews/2", "reviews/3"]) == {
            "reviews/1": {"丽塔": 1, "otto": 1},
            "reviews/2": {"丽塔": 2},
        }


def test_labels_that_a_model_proposed_are_another_question(store: SqlRegistryStore) -> None:
    add_edges(
        store,
        ("dataset/a", "run/1"),
        ("run/1", "model/1"),
        ("model/1", "prediction/p"),
        ("prediction/p", "dataset/b"),
        ("dataset/b", "run/2"),
        ("run/2", "model/2"),
        ("model/1", "run/3"),
        ("run/3", "model/3"),
    )
    models = {"model/1", "model/3"}
    assert {key for key in below(store, NODE, "dataset/a")[1] if key.startswith("model/")} == models
    everything = below(store, NODE, "dataset/a", through_predictions=True)[1]
    assert {key for key in everything if key.startswith("model/")} == models | {"model/2"}


# --- the index ---


def test_a_set_is_indexed_once(store: SqlRegistryStore) -> None:
    for _ in range(2):
        put(store, "reviews/1", ("c1", "rita"), ("c1", "otto"), ("c2", "rita"))
    put(store, "reviews/1", ("c9", "eve"))
    with store.transaction() as tx:
        tx.reviews.put_unread("reviews/1", "too late")
    add_edges(store, ("reviews/1", "dataset/a"))
    with store.reading() as tx:
        assert tx.reviews.reviewers(["reviews/1"]) == {"reviews/1": {"otto": 1, "rita": 2}}
        assert tx.reviews.lacking("dataset/a") == []
        assert tx.reviews.unread(limit=10) == []


def test_what_is_not_indexed_is_known_with_its_reason(store: SqlRegistryStore) -> None:
    add_edges(store, ("reviews/1", "dataset/a"), ("reviews/2", "dataset/a"), ("reviews/2", "dataset/b"), ("x", "y"))
    put(store, "reviews/3", ("c", "rita"))
    with store.transaction() as tx:
        tx.reviews.put_unread("reviews/2", "损坏")
    pairs = [("reviews/1", "dataset/a"), ("reviews/2", "dataset/a"), ("reviews/2", "dataset/b")]
    with store.reading() as tx:
        assert tx.reviews.lacking("dataset/a") == ["reviews/1", "reviews/2"]
        assert tx.reviews.all_lacking(after=("", ""), limit=2) == pairs[:2]
        assert tx.reviews.all_lacking(after=pairs[1], limit=2) == pairs[2:]
        assert tx.reviews.unread(limit=10) == [UnreadSet("reviews/1"), UnreadSet("reviews/2", "损坏")]
        assert tx.reviews.unread(limit=1) == [UnreadSet("reviews/1")]
    put(store, "reviews/2", ("c", "rita"))
    with store.reading() as tx:
        assert tx.reviews.unread(limit=10) == [UnreadSet("reviews/1")]


def test_a_file_that_breaks_off_leaves_nothing(store: SqlRegistryStore) -> None:
    def broken():  # type: ignore[no-untyped-def]
        yield [ReviewedCandidate("c1", "rita")]
        raise ValueError("the rest is gone")

    with pytest.raises(ValueError, match="gone"), store.transaction() as tx:
        tx.reviews.put("reviews/1", broken())
    assert below(store, CANDIDATE, "c1") == (frozenset(), set())


def test_replicas_that_index_one_set_together_agree(store: SqlRegistryStore) -> None:
    approved = [(f"c{number:04}", f"reviewer-{number % 3}") for number in range(300)]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: put(store, "reviews/1", *approved), range(4)))
    with store.reading() as tx:
        assert tx.reviews.reviewers(["reviews/1"]) == {"reviews/1": {f"reviewer-{n}": 100 for n in range(3)}}


def test_records_of_many_nodes_are_found_at_once(store: SqlRegistryStore) -> None:
    file = FileEntry(path="f", sha256="a" * 64, size_bytes=1, media_type="")
    base = Manifest(kind="base/v1", files=(file,), meta={"hidden_size": 8})
    with store.transaction() as tx:
        made = [Manifest(kind="series/v1", files=(file,), meta={"rows": number}) for number in range(3)]
        for manifest in made:
            tx.datasets.add(name="泵", digest=manifest.digest, manifest=manifest, producer="")
        tx.bases.add(name="tiny", manifest=base)
        for number in range(1, 4):
            tx.models.add(trained(f"run-{number}", "labels", "1" * 64))
    wanted = [f"{number:064x}" for number in range(1200)]
    with store.reading() as tx:
        datasets = tx.datasets.with_digests([*wanted, made[0].digest, made[2].digest])
        assert sorted(record.version for record in datasets) == [1, 3]
        assert [record.name for record in tx.bases.with_digests([base.digest, "0" * 64])] == ["tiny"]
        assert [record.version for record in tx.models.of_runs([*wanted, "run-1", "run-3"])] == [3, 1]
        assert tx.models.of_runs([]) == []


# --- any order ---


def trained(run_id: str, dataset: str, digest: str, parent: str = "") -> NewModel:
    return NewModel(
        name="detector",
        run_id=run_id,
        recipe="series-lm",
        bundle_digest=sha256_hex(run_id.encode()),
        base=BaseVersion(name="tiny", digest="b" * 64),
        dataset=DatasetVersion(name=dataset, digest=digest, version=1),
        metrics={},
        parent=ModelRef(name="detector", version=1, run_id=parent) if parent else None,
    )


def manifest_of(*parents: str) -> Manifest:
    return Manifest(kind="segments/v1", files=(), meta={}, parents=parents)


FIRST, SECOND = reviews_key("1" * 64), reviews_key("2" * 64)
LABELS = manifest_of("dataset/pump/" + "a" * 64, FIRST)
MERGED = manifest_of(f"dataset/labels/{LABELS.digest}", FIRST, SECOND, "prediction/p")


def join(graph: Graph) -> Callable[[SqlRegistryStore], None]:
    def joined(store: SqlRegistryStore) -> None:
        with store.transaction() as tx:
            tx.lineage.add(graph)

    return joined


def unread(key: str) -> Callable[[SqlRegistryStore], None]:
    def remembered(store: SqlRegistryStore) -> None:
        with store.transaction() as tx:
            tx.reviews.put_unread(key, "damaged")

    return remembered


FACTS: Sequence[Callable[[SqlRegistryStore], None]] = (
    join(graph_of_manifest(f"dataset/labels/{LABELS.digest}", "labels@1", LABELS)),
    join(graph_of_manifest(f"dataset/merged/{MERGED.digest}", "merged@1", MERGED)),
    join(graph_of_model(trained("1", "labels", LABELS.digest), 1)),
    join(graph_of_model(trained("2", "merged", MERGED.digest, parent="1"), 2)),
    join(
        graph_of_prediction(
            NewPrediction(
                job_id="p",
                dataset=DatasetVersion(name="pump", digest="a" * 64, version=1),
                model_name="detector",
                model_version=1,
                run_id="1",
                finished_at=datetime(2026, 11, 27, 8, tzinfo=UTC),
            )
        )
    ),
    lambda store: put(store, FIRST, ("c1", "rita"), ("c2", "rita")),
    lambda store: put(store, SECOND, ("c3", "otto")),
    unread(FIRST),
)


def contents(database: Database) -> list[list[object]]:
    """Every row of the graph and of the index."""
    with database.reading() as session:
        tables = [session.exec(select(table)).all() for table in TABLES]
    return [sorted((row.model_dump() for row in rows), key=repr) for rows in tables]


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(order=st.permutations(range(len(FACTS))), again=st.lists(st.integers(0, len(FACTS) - 1), max_size=3))
def test_any_order_gives_the_same_graph_and_index(
    database: Database, store: SqlRegistryStore, order: list[int], again: list[int]
) -> None:
    def emptied() -> None:
        with database.transaction() as session:
            for table in TABLES:
                session.exec(delete(table))

    emptied()
    for number in range(len(FACTS)):
        FACTS[number](store)
    expected = contents(database)
    emptied()
    for number in (*order, *again):
        FACTS[number](store)
    assert contents(database) == expected
    assert below(store, REVIEWER, "rita")[1] >= {model_key("1"), model_key("2")}
    _, otto = below(store, REVIEWER, "otto")
    assert model_key("2") in otto
    assert model_key("1") not in otto
    with store.reading() as tx:
        (prediction,) = [
            node
            for node in tx.lineage.between("prediction/p", model_key("2")).nodes
            if node.type == NodeType.PREDICTION
        ]
    assert prediction.made_at == datetime(2026, 11, 27, 8, tzinfo=UTC)


def test_an_older_database_keeps_its_graph(database: Database, store: SqlRegistryStore) -> None:
    with database.transaction() as session:
        session.connection().execute(
            text(
                "INSERT INTO lineage_nodes (key, type, label, seen) "
                "VALUES ('prediction/old', 'prediction', 'old', true)"
            )
        )
    with store.reading() as tx:
        (node,) = tx.lineage.between("prediction/old", "prediction/old").nodes
    assert (node.label, node.seen, node.made_at) == ("old", True, None)
