"""The catalogue's use cases over SQLite and a folder of artifacts."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlmodel import select

from shared.contracts.lineage import dataset_key, model_key
from shared.contracts.versions import BaseVersion, DatasetVersion
from shared.errors import InvalidInputError, NotFoundError
from shared.runtime.artifacts import Artifacts
from shared.runtime.database import Database
from shared.runtime.migrations import migrate
from shared.runtime.object_store import FolderObjectStore
from shared.runtime.outbox import OutboxRow
from svc_registry.adapters.store import SqlRegistryStore
from svc_registry.bootstrap import MIGRATIONS
from svc_registry.domain.graph import Direction
from svc_registry.domain.records import NewModel, NewPrediction
from svc_registry.use_cases import finding, lineage, promoting, registering


class World:
    """A catalogue over temporary storage."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.database = Database(f"sqlite:///{root / 'registry.db'}", schema="svc_registry")
        migrate(self.database, MIGRATIONS)
        self.store = SqlRegistryStore(self.database, source="svc_registry")
        self.artifacts = Artifacts(FolderObjectStore(root / "objects"))

    def manifest(self, content: str, *, kind: str = "series/v1", parents: tuple[str, ...] = ()) -> str:
        file = self.root / "file"
        file.write_text(content)
        made = self.artifacts.store(kind=kind, files={"f": file}, meta={"rows": len(content)}, parents=parents)
        return made.digest

    def dataset(self, name: str, content: str, *, kind: str = "series/v1", parents: tuple[str, ...] = ()) -> str:
        digest = self.manifest(content, kind=kind, parents=parents)
        registering.register_dataset(self.store, self.artifacts, name=name, kind=kind, digest=digest, producer="test")
        return digest

    def model(self, name: str, run_id: str, dataset: DatasetVersion) -> NewModel:
        made = NewModel(
            name=name,
            run_id=run_id,
            recipe="series-lm",
            bundle_digest=self.manifest(f"bundle {run_id}", kind="bundle/v1"),
            base=BaseVersion(name="tiny-qwen", digest="b" * 64),
            dataset=dataset,
            metrics={"f1": 0.5},
        )
        registering.register_model(self.store, self.artifacts, made)
        return made

    def events(self, subject: str) -> list[str]:
        with self.database.reading() as session:
            rows = session.exec(select(OutboxRow).order_by(OutboxRow.id)).all()  # type: ignore[arg-type]
        return [row.body.decode() for row in rows if row.subject == subject]

    def reference(self, text: str) -> str:
        with self.store.reading() as tx:
            record = finding.find_dataset(tx, text)
        return f"{record.name}@{record.version}"


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def test_versions_count_by_content(world: World) -> None:
    for content in ("one", "two", "one"):
        world.dataset("泵-7", content)
    assert world.reference("泵-7") == "泵-7@2"
    assert world.reference("泵-7@1") == "泵-7@1"
    assert len(world.events("dataset.registered")) == 2


def test_a_name_used_for_another_kind_is_refused(world: World) -> None:
    world.dataset("pump", "one")
    world.dataset("pump", "two", kind="segments/v1")
    (rejected,) = world.events("dataset.rejected")
    assert "is used for series/v1" in rejected
    assert world.reference("pump") == "pump@1"


@pytest.mark.parametrize("name", ["", "a b", "../x", "a@1"])
def test_a_name_that_is_none_is_refused(world: World, name: str) -> None:
    world.dataset(name, "one")
    (rejected,) = world.events("dataset.rejected")
    assert "is not a name" in rejected


def test_a_manifest_that_is_not_there_is_refused(world: World) -> None:
    registering.register_dataset(
        world.store, world.artifacts, name="pump", kind="series/v1", digest="0" * 64, producer=""
    )
    assert "no manifest" in world.events("dataset.rejected")[0]


def test_an_event_that_lies_about_its_kind_is_refused(world: World) -> None:
    digest = world.manifest("one")
    registering.register_dataset(
        world.store, world.artifacts, name="pump", kind="segments/v1", digest=digest, producer=""
    )
    assert "the manifest series/v1" in world.events("dataset.rejected")[0]


def test_a_run_makes_one_version(world: World) -> None:
    dataset = DatasetVersion(name="labels", digest=world.dataset("labels", "x", kind="segments/v1"), version=1)
    for run_id in ("run-1", "run-1", "run-2"):
        world.model("detector", run_id, dataset)
    with world.store.reading() as tx:
        assert [record.version for record in tx.models.page(name="detector", before_id=0, limit=10)] == [2, 1]
    assert len(world.events("model.registered")) == 2


def test_aliases_move_and_the_ledger_remembers(world: World) -> None:
    dataset = DatasetVersion(name="labels", digest=world.dataset("labels", "x", kind="segments/v1"), version=1)
    for run_id in ("run-1", "run-2"):
        world.model("detector", run_id, dataset)

    def promote(version: int, reason: str) -> None:
        promoting.promote(
            world.store, name="detector", version=version, alias="champion", moved_by="anna", reason=reason
        )

    promote(1, "first")
    promote(2, "better")
    promote(2, "again")
    promote(1, "roll back")
    with world.store.reading() as tx:
        moves = [
            (move.from_version, move.to_version, move.reason) for move in tx.ledger.page("detector", alias="", limit=10)
        ]
        assert moves == [(2, 1, "roll back"), (1, 2, "better"), (0, 1, "first")]
        assert finding.find_model(tx, "detector").version == 1
        assert finding.find_model(tx, "detector:champion").aliases == ("champion",)
        assert finding.find_model(tx, "detector@2").aliases == ()
    assert len(world.events("model.promoted")) == 3


@pytest.mark.parametrize(
    ("reference", "reason"),
    [
        ("nothing", "no model 'nothing'"),
        ("detector@9", r"newest is detector@1"),
        ("detector", "promote one"),
        ("detector:challenger", "'challenger'"),
    ],
)
def test_what_is_missing_is_said(world: World, reference: str, reason: str) -> None:
    dataset = DatasetVersion(name="labels", digest=world.dataset("labels", "x", kind="segments/v1"), version=1)
    world.model("detector", "run-1", dataset)
    with world.store.reading() as tx, pytest.raises(NotFoundError, match=reason):
        finding.find_model(tx, reference)


def test_a_version_that_is_not_there_cannot_be_promoted(world: World) -> None:
    with pytest.raises(NotFoundError):
        promoting.promote(world.store, name="x", version=1, alias="champion", moved_by="", reason="")
    with pytest.raises(InvalidInputError):
        promoting.promote(world.store, name="x", version=1, alias="a b", moved_by="", reason="")


def test_lineage_from_the_source_to_the_prediction_and_back(world: World) -> None:
    series = world.dataset("series", "x", parents=("source/file:a.csv",))
    labels = world.dataset(
        "labels", "y", kind="segments/v1", parents=(dataset_key("series", series), "reviews/" + "r" * 64)
    )
    model = world.model("detector", "run-1", DatasetVersion(name="labels", digest=labels, version=1))
    registering.record_prediction(
        world.store,
        NewPrediction(
            job_id="job-1",
            dataset=DatasetVersion(name="series", digest=series, version=1),
            model_name="detector",
            model_version=1,
            run_id=model.run_id,
        ),
    )
    _, up = lineage.walk_lineage(world.store, "prediction/job-1", Direction.UP, max_depth=0)
    labels_of = {node.label for node in up.nodes if node.seen}
    assert {"series@1", "labels@1", "detector@1", "series-lm run-1", "detector@1 on series@1"} == labels_of
    assert {node.key for node in up.nodes} >= {"source/file:a.csv", "reviews/" + "r" * 64, "base/" + "b" * 64}
    key, down = lineage.walk_lineage(world.store, "series@1", Direction.DOWN, max_depth=1)
    assert key == dataset_key("series", series)
    assert {node.type for node in down.nodes} == {"dataset", "prediction"}
    assert lineage.walk_lineage(world.store, "run-1", Direction.DOWN, max_depth=1)[1].edges[0].child == model_key(
        "run-1"
    )


def test_a_reference_that_names_a_dataset_and_a_model_asks_which(world: World) -> None:
    digest = world.dataset("twin", "x", kind="segments/v1")
    world.model("twin", "run-1", DatasetVersion(name="twin", digest=digest, version=1))
    with pytest.raises(InvalidInputError, match="a dataset and a model"):
        lineage.walk_lineage(world.store, "twin@1", Direction.UP, max_depth=0)


def test_a_node_that_is_not_there(world: World) -> None:
    for node in ("nothing@1", "run/nothing", "nothing"):
        with pytest.raises(NotFoundError):
            lineage.walk_lineage(world.store, node, Direction.UP, max_depth=0)
