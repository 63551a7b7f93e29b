"""A catalogue that is rebuilt equals the one that was lost, on SQLite and on PostgreSQL."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from shared.errors import StateError
from shared.runtime import database as databases
from shared.runtime.artifacts import Artifacts, manifest_key
from shared.runtime.database import Database
from shared.runtime.migrations import migrate
from shared.runtime.object_store import FolderObjectStore
from svc_registry.adapters.restoring import KEPT, READ_AGAIN, REBUILT, SqlRestoringStore
from svc_registry.adapters.reviews_file import ParquetReviews
from svc_registry.adapters.store import SqlRegistryStore
from svc_registry.bootstrap import MIGRATIONS
from svc_registry.domain.records import NewModel
from svc_registry.use_cases.rebuilding import Report, rebuild
from svc_registry.use_cases.reviewing import ReviewIndexing
from tests.support.catalogue import Catalogue
from tests.support.dump import dump, tables
from tests.support.histories import FIRST, info
from upwell.registry.v1 import events_pb2 as registry

pytestmark = pytest.mark.connected


@pytest.fixture
def objects(tmp_path: Path) -> FolderObjectStore:
    return FolderObjectStore(tmp_path / "objects")


@pytest.fixture
def catalogue(database: Database, objects: FolderObjectStore, tmp_path: Path) -> Catalogue:
    made = Catalogue(database, Artifacts(objects), tmp_path)
    made.fill()
    made.publish()
    return made


@pytest.fixture
def empty(database: Database, tmp_path: Path) -> Iterator[Database]:
    """Another database of the same sort, migrated."""
    url = f"sqlite:///{tmp_path}/other.db" if database.is_sqlite else database.url
    other = Database(url, schema=f"test_{secrets.token_hex(6)}")
    migrate(other, MIGRATIONS)
    yield other
    other.dispose()


def rebuilt(catalogue: Catalogue, database: Database, *, overwrite: bool = False) -> Report:
    return rebuild(SqlRestoringStore(database), catalogue, catalogue.artifacts, overwrite=overwrite)


def index_reviews(catalogue: Catalogue, database: Database, folder: Path) -> None:
    """What svc_registry does at its start."""
    store = SqlRegistryStore(database, source="svc_registry")
    files = ParquetReviews(catalogue.artifacts, folder)
    assert ReviewIndexing(store=store, artifacts=catalogue.artifacts, files=files).catch_up() == []


def test_every_table_has_a_fate(empty: Database) -> None:
    named = {str(table.__tablename__) for table in (*REBUILT, *READ_AGAIN, *KEPT)}
    machinery = {"outbox", "webhook_deliveries"}
    assert named == tables(empty) | machinery, "say in adapters/restoring.py what becomes of a new table"


def test_a_lost_catalogue_comes_back_equal(catalogue: Catalogue, empty: Database, tmp_path: Path) -> None:
    index_reviews(catalogue, catalogue.database, tmp_path / "reviews")
    before = dump(catalogue.database)
    assert all(before[str(table.__tablename__)] for table in REBUILT), "every table holds something"
    report = rebuilt(catalogue, empty)
    index_reviews(catalogue, empty, tmp_path / "reviews")
    assert dump(empty) == before
    assert report.left_out == []
    assert dict(report.restored) == {
        "datasets": 3,
        "bases": 1,
        "models": 8,
        "histories": 5,
        "entries of the ledger": 11,
        "changes of gates": 3,
        "deletions": 2,
        "signatures": 1,
        "predictions": 1,
    }


def test_what_was_imported_before_files_were_announced_is_named_and_its_number_stays_taken(
    catalogue: Catalogue, empty: Database, tmp_path: Path
) -> None:
    catalogue._told = [told for told in catalogue._told if told[0] != "history.imported"]
    report = rebuilt(catalogue, empty)
    lost = "the history it was imported with is in no stream: import that again"
    assert report.left_out == [f"model {shown}: {lost}" for shown in ("文档@1", "features@1", "after-ours@1", "文档@2")]
    Catalogue(empty, catalogue.artifacts, tmp_path).take("a/training_info.json", info("文档", [FIRST]))
    assert [row["version"] for row in dump(empty)["models"] if row["name"] == "文档"] == [3]


def test_a_history_that_cannot_be_read_costs_its_own_versions(
    catalogue: Catalogue, empty: Database, objects: FolderObjectStore
) -> None:
    events = [json.loads(body) for subject, body in catalogue._told if subject == "history.imported"]
    (own,) = (event for event in events if event["path"].startswith("own/"))
    objects.delete(manifest_key(own["manifestDigest"]))
    report = rebuilt(catalogue, empty)
    assert [line.partition(":")[0] for line in report.left_out] == [
        "history own/training_info.json",
        "model after-ours@1",
    ]
    assert dict(report.restored)["models"] == 7


def test_numbering_goes_on_behind_what_was_restored(catalogue: Catalogue, empty: Database, tmp_path: Path) -> None:
    rebuilt(catalogue, empty)
    after = Catalogue(empty, catalogue.artifacts, tmp_path)
    for known in (catalogue, after):
        labels = known.dataset("labels", "four", kind="segments/v1")
        known.model("run-4", labels, "b" * 64)
    columns = ("id", "name", "version")
    for table in ("datasets", "models"):
        lists = [
            [[row[column] for column in columns] for row in dump(made.database)[table]] for made in (catalogue, after)
        ]
        assert lists[0] == lists[1]


def test_a_message_that_tells_nothing_stands_in_no_others_way(catalogue: Catalogue, empty: Database) -> None:
    told = [("train.completed", b"nonsense"), ("model.promoted", b'{"kind": 99, "ledgerId": 500}')]
    catalogue._told = [*told, *catalogue._told]
    report = rebuilt(catalogue, empty)
    assert dump(empty) == dump(catalogue.database)
    assert [line.partition(":")[0] for line in report.left_out] == ["train.completed", "model.promoted"]


def test_a_long_stream_does_not_cost_the_transaction(
    catalogue: Catalogue, empty: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(databases, "IDLE_TIMEOUT_MS", 200)
    impatient = Database(empty.url, schema=empty.schema)

    class Long:
        def facts(self, kind: type[Any], *, unread: Callable[[str], None]) -> Iterator[Any]:
            if kind is NewModel:
                time.sleep(0.5)
            yield from catalogue.facts(kind, unread=unread)

    rebuild(SqlRestoringStore(impatient), Long(), catalogue.artifacts, overwrite=False)
    impatient.dispose()
    assert dump(empty) == dump(catalogue.database)


def test_what_was_told_twice_is_put_back_once(catalogue: Catalogue, empty: Database) -> None:
    catalogue._told *= 2
    rebuilt(catalogue, empty)
    assert dump(empty) == dump(catalogue.database)


def test_a_catalogue_that_holds_something_is_replaced_only_when_asked(catalogue: Catalogue) -> None:
    before = dump(catalogue.database)
    with pytest.raises(StateError, match=r"not empty \(see dataset_names, .*--replace"):
        rebuilt(catalogue, catalogue.database)
    rebuilt(catalogue, catalogue.database, overwrite=True)
    assert dump(catalogue.database) == before


def test_events_that_no_stream_has_yet_stop_a_rebuild(catalogue: Catalogue) -> None:
    catalogue.dataset("late", "late")
    before = dump(catalogue.database)
    with pytest.raises(StateError, match="1 events wait in the outbox"):
        rebuilt(catalogue, catalogue.database, overwrite=True)
    assert dump(catalogue.database) == before


def test_a_lost_manifest_costs_its_version_alone_and_its_number_is_not_given_again(
    catalogue: Catalogue, empty: Database, objects: FolderObjectStore, tmp_path: Path
) -> None:
    lost = next(row for row in dump(catalogue.database)["datasets"] if row["name"] == "泵-7" and row["version"] == 2)
    objects.delete(manifest_key(lost["digest"]))
    report = rebuilt(catalogue, empty)
    assert report.left_out == [f"dataset 泵-7@2: There is no manifest {lost['digest'][:12]} in the object store"]
    after = dump(empty)
    assert [row["version"] for row in after["datasets"] if row["name"] == "泵-7"] == [1]
    Catalogue(empty, catalogue.artifacts, tmp_path).dataset("泵-7", "three")
    assert [row["version"] for row in dump(empty)["datasets"] if row["name"] == "泵-7"] == [1, 3]


def test_a_second_numbering_after_a_loss_is_told_and_left_out(catalogue: Catalogue, empty: Database) -> None:
    other = catalogue.artifacts.store(kind="series/v1", files={"f": catalogue.file("other")}, meta={}, parents=())
    again = registry.DatasetRegistered(kind="series/v1", entry_id=9)
    again.dataset.name, again.dataset.version, again.dataset.manifest_digest = "泵-7", 1, other.digest
    catalogue.tell(again, key="again")
    report = rebuilt(catalogue, empty)
    assert report.left_out == [f"dataset 泵-7@1: registered a second time, as {other.digest[:12]}"]
    assert dump(empty) == dump(catalogue.database)


def test_events_of_release_0_1_are_numbered_in_their_order(catalogue: Catalogue, empty: Database) -> None:
    catalogue._told = [(subject, _as_in_release_0_1(body)) for subject, body in catalogue._told]
    rebuilt(catalogue, empty)
    for table, row in ((table, row) for table, rows in dump(empty).items() for row in rows):
        known = next(
            other
            for other in dump(catalogue.database)[table]
            if all(other[key] == row[key] for key in _KEYS if key in row)
        )
        assert set(row) - {"registered_at", "producer", "reason"} <= {key for key in row if row[key] == known[key]}, (
            table
        )


_KEYS = ("id", "name", "version", "digest", "key", "child", "parent", "model", "alias", "path", "run_id")


def _as_in_release_0_1(body: bytes) -> bytes:
    import json

    fields = json.loads(body)
    return json.dumps(
        {name: value for name, value in fields.items() if name not in {"registeredAt", "entryId", "producer", "reason"}}
    ).encode()
