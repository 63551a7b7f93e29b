"""The catalogue's repositories: one suite on SQLite and on PostgreSQL."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from math import inf, nan
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlmodel import delete

from shared.contracts.canonical import sha256_hex
from shared.contracts.lineage import base_key, dataset_key, model_key, prediction_key, run_key, source_key
from shared.contracts.manifest import FileEntry, Manifest
from shared.contracts.versions import BaseVersion, DatasetVersion
from shared.errors import ConflictError, InvalidInputError
from shared.runtime.database import Database
from shared.runtime.migrations import migrate
from svc_registry.adapters.store import SqlRegistryStore
from svc_registry.adapters.tables import EdgeRow, NodeRow
from svc_registry.bootstrap import MIGRATIONS
from svc_registry.domain.graph import (
    Direction,
    Edge,
    Graph,
    Node,
    graph_of_base,
    graph_of_manifest,
    graph_of_model,
    graph_of_prediction,
)
from svc_registry.domain.ledger import MoveKind
from svc_registry.domain.records import DatasetRecord, NewModel, NewMove, NewPrediction
from svc_registry.wire.reports import new_model
from upwell.train.v1 import events_pb2 as train

pytestmark = pytest.mark.connected
THREADS = 8
UP, DOWN = Direction.UP, Direction.DOWN


@pytest.fixture
def store(database: Database) -> SqlRegistryStore:
    migrate(database, MIGRATIONS)
    return SqlRegistryStore(database, source="svc_registry")


def manifest(content: str = "", *, kind: str = "series/v1", parents: Sequence[str] = ()) -> Manifest:
    entry = FileEntry(path="f", sha256=sha256_hex(content.encode()), size_bytes=5 * 2**31, media_type="")
    return Manifest(kind=kind, files=(entry,), meta={"rows": 3, "channels": [{"name": "温度"}]}, parents=tuple(parents))


def add_dataset(store: SqlRegistryStore, name: str, content: str, *, kind: str = "series/v1") -> DatasetRecord:
    made = manifest(content, kind=kind)
    with store.transaction() as tx:
        return tx.datasets.add(name=name, digest=made.digest, manifest=made, producer="svc_ingest/1")


def model(run_id: str, name: str = "detector", **changed: Any) -> NewModel:
    values: dict[str, Any] = {
        "name": name,
        "run_id": run_id,
        "recipe": "series-lm",
        "bundle_digest": sha256_hex(run_id.encode()),
        "base": BaseVersion(name="tiny-qwen", digest="b" * 64),
        "dataset": DatasetVersion(name="labels", digest="d" * 64, version=2),
        "metrics": {"f1": 0.25},
        "hyperparameters": {"steps": 10.0, "nested": {"a": [1, None, "x"]}},
    }
    return NewModel(**{**values, **changed})


def move(from_version: int, to_version: int, *, alias: str = "champion") -> NewMove:
    return NewMove(
        model="detector",
        alias=alias,
        kind=MoveKind.MOVED,
        from_version=from_version,
        to_version=to_version,
        moved_by="ana",
    )


def all_at_once(work: Callable[[int], Any], count: int = THREADS) -> list[Any]:
    """The results of `count` threads that begin together."""
    together = threading.Barrier(count)

    def begin(number: int) -> Any:
        together.wait()
        return work(number)

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(begin, range(count)))


# --- datasets and bases ---


def test_a_dataset_comes_back_as_it_was_registered(store: SqlRegistryStore) -> None:
    before = datetime.now(UTC)
    added = add_dataset(store, "泵-7", "a")
    with store.reading() as tx:
        by_key, by_number, newest = (
            tx.datasets.find("泵-7", added.digest),
            tx.datasets.at("泵-7", 1),
            tx.datasets.newest("泵-7"),
        )
        assert tx.datasets.find("泵-7", "0" * 64) is None
        assert tx.datasets.at("泵-7", 2) is None
        assert tx.datasets.newest("other") is None
    assert by_key == by_number == newest == added
    assert (added.version, added.kind, added.size_bytes) == (1, "series/v1", 5 * 2**31)
    assert added.meta["channels"] == [{"name": "温度"}]
    assert before - timedelta(seconds=1) < added.registered_at <= datetime.now(UTC)


def test_versions_count_by_name_and_a_digest_has_one(store: SqlRegistryStore) -> None:
    numbers = [add_dataset(store, name, content).version for name, content in (("a", "1"), ("a", "2"), ("b", "1"))]
    assert numbers == [1, 2, 1]
    assert add_dataset(store, "a", "1").version == 1
    assert add_dataset(store, "a", "3").version == 3


def test_a_name_keeps_to_its_kind(store: SqlRegistryStore) -> None:
    add_dataset(store, "a", "1")
    with pytest.raises(ConflictError, match="'a' is used for series/v1 datasets; this one is segments/v1"):
        add_dataset(store, "a", "2", kind="segments/v1")
    assert add_dataset(store, "a", "3").version == 2


def test_numbers_have_no_gap_and_no_twin_under_concurrency(store: SqlRegistryStore) -> None:
    def add_some(worker: int) -> list[int]:
        return [add_dataset(store, "a", f"{worker}-{turn}").version for turn in range(5)]

    numbers = [number for some in all_at_once(add_some) for number in some]
    assert sorted(numbers) == list(range(1, THREADS * 5 + 1))


def test_the_same_version_added_at_once_is_one(store: SqlRegistryStore) -> None:
    records = all_at_once(lambda _: add_dataset(store, "a", "same"))
    assert {record.version for record in records} == {1}
    assert len({record.id for record in records}) == 1


def test_what_a_failed_transaction_numbered_is_numbered_again(store: SqlRegistryStore) -> None:
    made = manifest("lost")

    def add_and_fail() -> None:
        with store.transaction() as tx:
            tx.datasets.add(name="a", digest=made.digest, manifest=made, producer="")
            raise ConflictError("the rest of the transaction failed")

    with pytest.raises(ConflictError):
        add_and_fail()
    assert add_dataset(store, "a", "kept").version == 1


def test_text_that_the_database_cannot_hold_is_bad_input(store: SqlRegistryStore, database: Database) -> None:
    def ask() -> object:
        with store.reading() as tx:
            return tx.bases.find("a\0b")

    if database.is_sqlite:
        assert ask() is None, "it can"
    else:
        with pytest.raises(InvalidInputError, match="cannot hold a value"):
            ask()


def test_pages_of_datasets(store: SqlRegistryStore) -> None:
    added = [add_dataset(store, "a", str(number)) for number in range(5)]
    other = add_dataset(store, "b", "x", kind="segments/v1")
    with store.reading() as tx:
        assert tx.datasets.page(name="", kind="", before_id=0, limit=2) == [other, added[4]]
        assert tx.datasets.page(name="", kind="", before_id=added[4].id, limit=10) == added[3::-1]
        assert tx.datasets.page(name="a", kind="", before_id=0, limit=10) == added[::-1]
        assert tx.datasets.page(name="", kind="segments/v1", before_id=0, limit=10) == [other]


def test_bases(store: SqlRegistryStore) -> None:
    first, second = manifest("1", kind="base/v1"), manifest("2", kind="base/v1")

    def add(made: Manifest) -> bool:
        with store.transaction() as tx:
            return tx.bases.add(name="tiny", manifest=made)

    assert all_at_once(lambda _: add(first)).count(True) == 1
    assert add(second)
    with store.reading() as tx:
        found, newest = tx.bases.find(first.digest), tx.bases.find("tiny")
        assert found is not None
        assert newest is not None
        assert (found.digest, newest.digest) == (first.digest, second.digest)
        assert tx.bases.find("nobody") is None
        assert {base.digest for base in tx.bases.all()} == {first.digest, second.digest}


# --- models, aliases, ledger ---


def test_a_model_comes_back_as_it_was_registered(store: SqlRegistryStore) -> None:
    with store.transaction() as tx:
        added = tx.models.add(model("run-1"))
    with store.reading() as tx:
        assert tx.models.by_run("run-1") == tx.models.at("detector", 1) == added
        assert tx.models.by_run("run-2") is None
        assert tx.models.named("detector", "champion") is None
    assert (added.version, added.made, added.aliases) == (1, model("run-1"), ())


def test_a_metric_without_a_value_does_not_cost_the_model(store: SqlRegistryStore) -> None:
    message = train.TrainCompleted(run_id="run-1", model="detector", metrics={"f1": 0.5, "auc": nan, "loss": inf})
    with store.transaction() as tx:
        tx.models.add(new_model(message))
    with store.reading() as tx:
        found = tx.models.by_run("run-1")
    assert found is not None
    assert found.made.metrics == {"f1": 0.5}


def test_a_run_makes_one_version_under_concurrency(store: SqlRegistryStore) -> None:
    def add(number: int) -> int:
        with store.transaction() as tx:
            return tx.models.add(model(f"run-{number // 2}")).version

    numbers = all_at_once(add)
    assert sorted(numbers) == sorted([number for number in range(1, THREADS // 2 + 1) for _ in range(2)])


def test_aliases_stand_where_the_ledger_put_them_last(store: SqlRegistryStore) -> None:
    with store.transaction() as tx:
        tx.models.add(model("run-1"))
        tx.models.add(model("run-2"))
    for version, alias in ((1, "champion"), (2, "champion"), (1, "champion"), (2, "challenger")):
        with store.transaction() as tx:
            standing = tx.ledger.standing("detector", alias)
            tx.ledger.enter(move(standing.to_version if standing else 0, version, alias=alias))
    with store.reading() as tx:
        named = tx.models.named("detector", "champion")
        assert named is not None
        assert (named.version, named.aliases) == (1, ("champion",))
        standing_at = {entry.alias: record.version for entry, record in tx.models.aliases("")}
        assert standing_at == {"champion": 1, "challenger": 2}
        assert tx.models.aliases("other") == []
        page = tx.models.page(name="detector", before_id=0, limit=10)
        assert [(record.version, record.aliases) for record in page] == [(2, ("challenger",)), (1, ("champion",))]


def test_concurrent_moves_make_one_chain(store: SqlRegistryStore) -> None:
    with store.transaction() as tx:
        for number in range(THREADS):
            tx.models.add(model(f"run-{number}"))

    def move_some(number: int) -> None:
        for turn in range(3):
            with store.transaction() as tx:
                tx.ledger.lock("detector")
                standing = tx.ledger.standing("detector", "champion")
                tx.ledger.enter(move(standing.to_version if standing else 0, (number + turn) % THREADS + 1))

    all_at_once(move_some)
    with store.reading() as tx:
        ledger = tx.ledger.entries("detector", "champion")
        named = tx.models.named("detector", "champion")
    assert named is not None
    assert len(ledger) == THREADS * 3
    assert [entry.from_version for entry in ledger] == [0, *(entry.to_version for entry in ledger[:-1])]
    assert named.version == ledger[-1].to_version


# --- lineage ---


def add_edges(store: SqlRegistryStore, *edges: tuple[str, str]) -> None:
    """Join (parent, child) edges in, all nodes seen."""
    keys = sorted({key for edge in edges for key in edge})
    nodes = tuple(Node(key=key, type="dataset", label=key, seen=True) for key in keys)
    with store.transaction() as tx:
        tx.lineage.add(Graph(nodes=nodes, edges=tuple(Edge(*edge) for edge in edges)))


def walk(store: SqlRegistryStore, key: str, direction: Direction, depth: int = 0) -> tuple[set[str], set[Edge]]:
    with store.reading() as tx:
        graph = tx.lineage.walk(key, direction, max_depth=depth)
    assert len(graph.nodes) == len({node.key for node in graph.nodes})
    assert len(graph.edges) == len(set(graph.edges))
    return {node.key for node in graph.nodes}, set(graph.edges)


def test_a_diamond_is_walked_once(store: SqlRegistryStore) -> None:
    diamond = [("top", "left"), ("top", "right"), ("left", "bottom"), ("right", "bottom")]
    add_edges(store, *diamond, ("bottom", "below"), ("aside", "left"))
    everything = {Edge(*edge) for edge in diamond}
    assert walk(store, "bottom", UP) == (
        {"top", "left", "right", "bottom", "aside"},
        everything | {Edge("aside", "left")},
    )
    assert walk(store, "top", DOWN) == (
        {"top", "left", "right", "bottom", "below"},
        everything | {Edge("bottom", "below")},
    )
    assert walk(store, "top", UP) == ({"top"}, set())


def test_a_cycle_ends(store: SqlRegistryStore) -> None:
    add_edges(store, ("a", "b"), ("b", "c"), ("c", "a"), ("self", "self"))
    for direction in Direction:
        for depth in (0, 10):
            assert walk(store, "a", direction, depth)[0] == {"a", "b", "c"}
            assert walk(store, "self", direction, depth)[0] == {"self"}


def test_twenty_deep(store: SqlRegistryStore) -> None:
    add_edges(store, *((f"n{number:02}", f"n{number + 1:02}") for number in range(20)))
    nodes, edges = walk(store, "n20", UP)
    assert (len(nodes), len(edges)) == (21, 20)
    assert walk(store, "n00", DOWN)[0] == nodes
    assert walk(store, "n20", UP, 3)[0] == {"n17", "n18", "n19", "n20"}
    assert walk(store, "n05", DOWN, 1)[0] == {"n05", "n06"}


def test_a_depth_counts_the_shortest_way(store: SqlRegistryStore) -> None:
    add_edges(store, ("a", "b"), ("b", "c"), ("a", "c"), ("root", "a"))
    assert walk(store, "c", UP, 1)[0] == {"a", "b", "c"}
    assert walk(store, "c", UP, 2)[0] == {"a", "b", "c", "root"}


def test_an_unknown_node_has_no_graph(store: SqlRegistryStore) -> None:
    assert walk(store, "nobody", UP) == (set(), set())


def test_a_node_that_was_seen_stays_seen(store: SqlRegistryStore) -> None:
    placeholder = Graph(nodes=(Node(key="x", type="dataset"),), edges=())
    for graph in (
        placeholder,
        Graph(nodes=(Node(key="x", type="dataset", label="pump@1", seen=True),), edges=()),
        placeholder,
    ):
        with store.transaction() as tx:
            tx.lineage.add(graph)
    with store.reading() as tx:
        (node,) = tx.lineage.walk("x", UP, max_depth=0).nodes
    assert (node.label, node.seen) == ("pump@1", True)


def test_many_writers_of_one_neighbourhood(store: SqlRegistryStore) -> None:
    def add(number: int) -> None:
        for turn in range(5):
            made = manifest(f"{number}-{turn}", parents=["source/a", "source/b", f"reviews/{turn}"])
            with store.transaction() as tx:
                tx.lineage.add(graph_of_manifest(dataset_key("x", made.digest), "x", made))

    all_at_once(add)
    assert len(walk(store, "source/a", DOWN)[0]) == 1 + THREADS * 5


RAW, BASE = manifest("raw", parents=[source_key("file:a.csv")]), "b" * 64
SERIES = dataset_key("pump", RAW.digest)
EXPORT = manifest("labels", kind="segments/v1", parents=[SERIES, "reviews/" + "7" * 64])
EXPORTED = DatasetVersion(name="labels", digest=EXPORT.digest, version=1)
CHILD = model("run-2", name="child", dataset=EXPORTED, base=BaseVersion(name="tiny", digest=BASE))
FACTS = (
    graph_of_manifest(SERIES, "pump@1", RAW),
    graph_of_manifest(EXPORTED.key, "labels@1", EXPORT),
    graph_of_base("tiny", BASE),
    graph_of_model(model("run-1", dataset=EXPORTED, base=BaseVersion(name="tiny", digest=BASE)), 1),
    graph_of_model(CHILD, 1),
    graph_of_prediction(
        NewPrediction(
            job_id="job-1",
            dataset=DatasetVersion(name="pump", digest=RAW.digest, version=1),
            model_name="child",
            model_version=1,
            run_id="run-2",
        )
    ),
)


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(order=st.permutations(range(len(FACTS))), again=st.lists(st.integers(0, len(FACTS) - 1), max_size=3))
def test_any_order_of_the_facts_gives_the_same_graph(
    database: Database, store: SqlRegistryStore, order: list[int], again: list[int]
) -> None:
    with database.transaction() as session:
        for table in (EdgeRow, NodeRow):
            session.exec(delete(table))
    for number in (*order, *again):
        with store.transaction() as tx:
            tx.lineage.add(FACTS[number])
    with store.reading() as tx:
        graph = tx.lineage.walk(prediction_key("job-1"), UP, max_depth=0)
        below = tx.lineage.walk(source_key("file:a.csv"), DOWN, max_depth=0)
    labels = {node.key: (node.label, node.seen) for node in graph.nodes}
    assert labels == {
        prediction_key("job-1"): ("child@1 on pump@1", True),
        model_key("run-2"): ("child@1", True),
        run_key("run-2"): ("series-lm run-2", True),
        base_key(BASE): ("tiny", True),
        EXPORTED.key: ("labels@1", True),
        SERIES: ("pump@1", True),
        source_key("file:a.csv"): ("", False),
        "reviews/" + "7" * 64: ("", False),
    }
    assert {node.key for node in below.nodes} == {
        source_key("file:a.csv"),
        SERIES,
        EXPORTED.key,
        run_key("run-1"),
        model_key("run-1"),
        run_key("run-2"),
        model_key("run-2"),
        prediction_key("job-1"),
    }
    assert len(graph.edges) == 8
