"""Ledger, gates, tombstones and signatures: one suite on SQLite and on PostgreSQL."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.config import Config

from shared.contracts.canonical import sha256_hex
from shared.contracts.lineage import model_key
from shared.contracts.versions import BaseVersion, DatasetVersion
from shared.errors import NotFoundError, StateError
from shared.runtime.database import Database
from shared.runtime.migrations import ENVIRONMENT, migrate
from svc_registry.adapters.store import SqlRegistryStore
from svc_registry.bootstrap import MIGRATIONS
from svc_registry.domain.gates import Comparison, Condition, Gate
from svc_registry.domain.ledger import MoveKind
from svc_registry.domain.records import NewModel, NewMove
from svc_registry.use_cases import copying, deleting, gates, promoting

pytestmark = pytest.mark.connected
NOW = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
CONDITION = Condition(
    metric="f1",
    comparison=Comparison.NOT_WORSE_THAN_HOLDER,
    value=0.05,
    smaller_is_better=True,
    size_metric="eval_windows",
    minimum_size=100,
)
GATE = Gate(model="泵", alias="champion", conditions=(CONDITION,), set_by="安娜", set_at=NOW)


@pytest.fixture
def store(database: Database) -> SqlRegistryStore:
    migrate(database, MIGRATIONS)
    return SqlRegistryStore(database, source="svc_registry")


def add_models(store: SqlRegistryStore, count: int) -> None:
    for number in range(1, count + 1):
        made = NewModel(
            name="detector",
            run_id=f"run-{number}",
            recipe="series-lm",
            bundle_digest=sha256_hex(str(number).encode()),
            base=BaseVersion(name="", digest=""),
            dataset=DatasetVersion(name="labels", digest="d" * 64, version=1),
            metrics={"f1": number / 10},
        )
        with store.transaction() as tx:
            tx.models.add(made)


def test_every_kind_of_entry_comes_back_and_only_a_refusal_leaves_the_alias(store: SqlRegistryStore) -> None:
    before = datetime.now(UTC)
    first = NewMove(
        model="detector", alias="champion", kind=MoveKind.MOVED, from_version=0, to_version=1, moved_by="安娜"
    )
    steps = (
        (first, 1),
        (replace(first, kind=MoveKind.REFUSED, from_version=1, to_version=2, failed=("f1 低", "loss")), 1),
        (replace(first, kind=MoveKind.FORCED, from_version=1, to_version=2, reason="紧急", failed=("f1 低",)), 2),
        (replace(first, kind=MoveKind.ROLLED_BACK, from_version=2, to_version=1), 1),
        (replace(first, kind=MoveKind.CLEARED, from_version=1, to_version=0), 0),
    )
    entered = []
    for step, stands in steps:
        with store.transaction() as tx:
            entered.append(tx.ledger.enter(step))
        with store.reading() as tx:
            standing = tx.ledger.standing("detector", "champion")
        assert (standing.to_version if standing else 0) == stands
    with store.reading() as tx:
        assert tx.ledger.entries("detector", "champion") == entered
        assert tx.ledger.page("detector", alias="", limit=2) == entered[:-3:-1]
        assert tx.ledger.page("detector", alias="challenger", limit=2) == []
        assert tx.ledger.entries("detector", "challenger") == []
    assert [(entry.kind, entry.failed, entry.reason) for entry in entered] == [
        (step.kind, step.failed, step.reason) for step, _ in steps
    ]
    assert before - timedelta(seconds=1) < entered[0].moved_at <= datetime.now(UTC)


def test_a_gate_comes_back_as_it_was_set(store: SqlRegistryStore) -> None:
    other = replace(GATE, alias="challenger")
    for gate in (GATE, other, replace(GATE, set_by="ben")):
        with store.transaction() as tx:
            tx.gates.put(gate)
    with store.transaction() as tx:
        assert tx.gates.find("泵", "champion") == replace(GATE, set_by="ben")
        assert tx.gates.of_model("泵") == [other, replace(GATE, set_by="ben")]
        assert tx.gates.find("泵", "none") is None
        assert tx.gates.remove("泵", "champion")
        assert not tx.gates.remove("泵", "champion")
    with store.reading() as tx:
        assert tx.gates.of_model("泵") == [other]


def test_the_first_tombstone_stays(store: SqlRegistryStore) -> None:
    with store.transaction() as tx:
        first = tx.tombstones.add(model_key("r"), deleted_by="安娜", reason="一")
        assert tx.tombstones.add(model_key("r"), deleted_by="ben", reason="二") == first
    keys = [f"model/{number}" for number in range(1200)]
    with store.reading() as tx:
        assert tx.tombstones.among([*keys, model_key("r")]) == {model_key("r"): first}
        assert tx.tombstones.among([]) == {}


def test_a_key_signs_a_bundle_once(store: SqlRegistryStore) -> None:
    with store.transaction() as tx:
        one, is_new = tx.signatures.add("d" * 64, key="质检", value="AAAA", signed_by="安娜")
        assert is_new
        assert tx.signatures.add("d" * 64, key="质检", value="BBBB", signed_by="ben") == (one, False)
        two, _ = tx.signatures.add("d" * 64, key="ops", value="CCCC", signed_by="ben")
    with store.reading() as tx:
        found = tx.signatures.of_bundles({"d" * 64, "e" * 64})
    assert found == {"d" * 64: (two, one)}


def test_two_promotions_at_once_meet_one_gate(store: SqlRegistryStore) -> None:
    """Each has to beat the version that holds the alias when its turn comes, so versions only ever get better."""
    add_models(store, 6)
    better = Condition(metric="f1", comparison=Comparison.BETTER_THAN_HOLDER)
    gates.set_gate(store, model="detector", alias="champion", conditions=[better], set_by="root")
    together = threading.Barrier(6)

    def promote(version: int) -> None:
        together.wait()
        with suppress(StateError):
            promoting.promote(store, name="detector", version=version, alias="champion", moved_by="", reason="")

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(promote, range(1, 7)))
    with store.reading() as tx:
        entries = tx.ledger.entries("detector", "champion")
    moved = [entry.to_version for entry in entries if entry.kind is MoveKind.MOVED]
    assert moved == sorted(moved)
    assert moved[-1] == 6
    assert len(entries) == 6


def test_a_version_is_not_promoted_and_deleted_at_once(store: SqlRegistryStore) -> None:
    add_models(store, 8)

    def fight(version: int) -> bool:
        together = threading.Barrier(2)

        def promote() -> None:
            together.wait()
            promoting.promote(store, name="detector", version=version, alias=f"a{version}", moved_by="", reason="")

        def delete() -> None:
            together.wait()
            deleting.delete_model(store, name="detector", version=version, deleted_by="", reason="x")

        with ThreadPoolExecutor(2) as pool:
            ended = [pool.submit(promote), pool.submit(delete)]
        return sum(one.exception() is None for one in ended) == 1

    assert all(fight(version) for version in range(1, 9))
    with store.reading() as tx:
        assert [str(record) for _, record in tx.models.aliases("") if record.deletion] == []


def test_moves_made_before_kinds_were_kept_are_moves(database: Database) -> None:
    config = Config()
    config.set_main_option("script_location", str(ENVIRONMENT))
    config.set_main_option("version_locations", str(MIGRATIONS))
    config.set_main_option("path_separator", "os")
    with database.engine.connect() as connection:
        if not database.is_sqlite:
            connection.execute(sa.text(f'CREATE SCHEMA "{database.schema}"'))
        config.attributes["connection"] = connection
        command.upgrade(config, "registry_0002")
        connection.execute(
            sa.text(
                "INSERT INTO alias_moves (model, alias, from_version, to_version, moved_by, reason, moved_at) "
                "VALUES ('detector', 'champion', 0, 1, 'ana', '', '2026-01-02 03:04:05+00:00')"
            )
        )
        connection.commit()
    migrate(database, MIGRATIONS)
    with SqlRegistryStore(database, source="").reading() as tx:
        (entry,) = tx.ledger.entries("detector", "champion")
    assert (entry.kind, entry.failed) == (MoveKind.MOVED, ())


def test_a_version_that_is_deleted_meanwhile_is_not_copied(store: SqlRegistryStore) -> None:
    add_models(store, 1)
    with ThreadPoolExecutor(1) as pool:
        with store.transaction() as tx:
            tx.ledger.lock("detector")
            copying_it = pool.submit(copying.copy_model, store, "detector@1", "other")
            time.sleep(0.3)  # the copy has found the version, where the database lets it, and waits
            tx.tombstones.add(model_key("run-1"), deleted_by="root", reason="wrong labels")
        with pytest.raises(NotFoundError, match="was deleted by root"):
            copying_it.result(20)
