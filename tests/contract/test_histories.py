"""Chains and imported histories: one suite on SQLite and on PostgreSQL."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import event

from shared.contracts.versions import BaseVersion, DatasetVersion, ModelRef
from shared.errors import IntegrityError
from shared.ports import ArtifactStore
from shared.runtime.artifacts import Artifacts
from shared.runtime.database import Database
from shared.runtime.migrations import migrate
from shared.runtime.object_store import FolderObjectStore
from svc_registry.adapters.store import SqlRegistryStore
from svc_registry.bootstrap import MIGRATIONS
from svc_registry.domain.history import HistoryFile, ImportedVersion
from svc_registry.domain.records import NewModel
from svc_registry.use_cases.histories import Place, export_page, summaries
from svc_registry.use_cases.importing import SentFile, import_histories
from tests.support.histories import contents, entry, good_tree, info

pytestmark = pytest.mark.connected
THREADS = 4


@pytest.fixture
def store(database: Database) -> SqlRegistryStore:
    migrate(database, MIGRATIONS)
    return SqlRegistryStore(database, source="svc_registry")


@pytest.fixture
def artifacts(tmp_path: Any) -> ArtifactStore:
    return Artifacts(FolderObjectStore(tmp_path / "objects"))


def add(store: SqlRegistryStore, run_id: str, *, parent: str = "", name: str = "m", **changed: Any) -> None:
    made = NewModel(
        name=name,
        run_id=run_id,
        recipe="text-sft",
        bundle_digest="b" * 64,
        base=BaseVersion(name="base", digest="c" * 64),
        dataset=DatasetVersion(name="数据", digest="d" * 64, version=1),
        metrics={},
        parent=ModelRef(name=name, version=0, run_id=parent) if parent else None,
        **changed,
    )
    with store.transaction() as tx:
        tx.models.add(made)


def take(store: SqlRegistryStore, artifacts: ArtifactStore, tree: Mapping[str, Any]) -> int:
    files = [SentFile(path=path, content=content) for path, content in contents(tree).items()]
    results = import_histories(store, artifacts, files, imported_by="tom")
    assert not [result.wrong for result in results if result.wrong]
    return sum(result.new_versions for result in results)


def export(store: SqlRegistryStore) -> dict[str, Any]:
    found: dict[str, Any] = {}
    place: Place | None = Place()
    while place:
        files, place = export_page(store, model="", after=place, limit=3)
        found |= {path: json.loads(text) for path, text in files}
    return found


def test_a_chain_is_walked_in_one_query_oldest_first(store: SqlRegistryStore, database: Database) -> None:
    # A child may be registered before its parent.
    for number in (3, 1, 4, 2, 5):
        add(store, f"run-{number}", parent=f"run-{number - 1}" if number > 1 else "", total_steps=number)
    add(store, "other")
    asked: list[str] = []
    event.listen(database.engine, "before_cursor_execute", lambda *arguments: asked.append(arguments[2]))
    with store.reading() as tx:
        chain = tx.chains.of("run-5")
    assert chain
    assert [(record.made.run_id, total) for record, total in chain.with_total_steps()] == [
        ("run-1", 1), ("run-2", 3), ("run-3", 6), ("run-4", 10), ("run-5", 15),
    ]  # fmt: skip
    assert len([query for query in asked if "RECURSIVE" in query]) == 1
    # The walk, the aliases, deletions and signatures of what it found, and what of it was imported: however long it is.
    assert len([query for query in asked if "SELECT" in query]) == 5


def test_a_chain_begins_where_the_catalogue_does(store: SqlRegistryStore) -> None:
    add(store, "run-2", parent="run-1")
    with store.reading() as tx:
        chain = tx.chains.of("run-2")
        assert tx.chains.of("run-1") is None
    assert chain
    assert chain.unknown_parent
    assert chain.unknown_parent.run_id == "run-1"


def test_a_chain_that_goes_round_in_a_circle_is_refused(store: SqlRegistryStore) -> None:
    add(store, "run-1", parent="run-2")
    add(store, "run-2", parent="run-1")
    with store.reading() as tx, pytest.raises(IntegrityError, match="circle"):
        tx.chains.of("run-2")


def test_a_long_chain(store: SqlRegistryStore, artifacts: ArtifactStore) -> None:
    long = {"training_info.json": info("long", [entry("d", step) for step in range(200)])}
    assert take(store, artifacts, long) == 200
    assert take(store, artifacts, long) == 0
    assert export(store) == long


def test_a_tree_comes_back_on_both_databases(store: SqlRegistryStore, artifacts: ArtifactStore) -> None:
    strange = entry("d", 1, note="a\x00b", big=2**70, 数=[1.0, True, None, -0.0], metrics={"\x00": 1})
    tree = {**good_tree(), "奇/training_info.json": info("奇", [strange])}
    assert take(store, artifacts, tree) == 8
    assert take(store, artifacts, tree) == 0
    assert export(store) == tree
    assert json.dumps(export(store)["奇/training_info.json"]) == json.dumps(tree["奇/training_info.json"])


def test_imports_beside_each_other_register_each_version_once(
    store: SqlRegistryStore, artifacts: ArtifactStore
) -> None:
    together = threading.Barrier(THREADS)

    def begin(number: int) -> int:
        tree = good_tree() if number % 2 else dict(reversed(good_tree().items()))
        together.wait()
        return take(store, artifacts, tree)

    with ThreadPoolExecutor(THREADS) as pool:
        assert sum(pool.map(begin, range(THREADS))) == 7
    assert export(store) == good_tree()


def test_summaries(store: SqlRegistryStore, artifacts: ArtifactStore) -> None:
    ended = datetime(2026, 4, 1, 9, 0, 0, 5, tzinfo=UTC)
    add(store, "run-1", name="own", finished_at=ended, total_steps=2**40, stage="s")
    add(store, "run-2", name="own", finished_at=datetime(2026, 3, 1, tzinfo=UTC), total_steps=1)
    take(store, artifacts, {"training_info.json": info("own", [entry("d", 4)], stage="t")})
    (own,) = summaries(store, after="", limit=10)
    assert (own.version_count, own.newest_version, own.imported_count) == (3, 3, 1)
    assert (own.total_steps, own.stages, own.datasets) == (2**40 + 5, ("s", "t"), ("d", "数据@1"))
    assert own.last_updated == ended
    assert summaries(store, after="own", limit=10) == []


def test_what_is_kept_comes_back(store: SqlRegistryStore) -> None:
    kept = ImportedVersion(run_id="run-1", base_model="基", entry={"b": 1, "a": [1.0]}, checkpoint="c")
    file = HistoryFile(path="文/training_info.json", run_id="run-1", document={"z": 1, "a": "\x00"})
    add(store, "run-1")
    with store.transaction() as tx:
        tx.histories.add(kept)
        tx.histories.put_file(file, imported_by="tom", imported_at=datetime.now(UTC))
        tx.histories.put_file(file, imported_by="tom", imported_at=datetime.now(UTC))
        tx.histories.claim(kept, stage="stage1")
        tx.histories.claim(kept, stage="stage2")
    with store.reading() as tx:
        assert tx.histories.imported(["run-1", "run-2"]) == {"run-1": kept}
        assert tx.histories.file(file.path) == tx.histories.file_of("run-1") == file
        assert tx.histories.file("other") is tx.histories.file_of("other") is None
        assert [each.path for each in tx.histories.files_after(model="m", after="", limit=5)] == [file.path]
        assert tx.histories.files_after(model="n", after="", limit=5) == []
        record = tx.models.by_run("run-1")
        assert tx.chains.own_after(model="", after_id=0, limit=5) == []
    assert record
    assert record.made.stage == "stage1"
