"""Deleting, copying and signing versions, over SQLite."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from shared.contracts.lineage import model_key
from shared.errors import InvalidInputError, NotFoundError, StateError
from shared.runtime.signatures import trusted_keys
from svc_registry.domain.graph import Direction
from svc_registry.domain.records import DatasetRecord, ModelRecord, NewPrediction
from svc_registry.use_cases import copying, deleting, finding, promoting, signing
from svc_registry.use_cases.lineage import walk_lineage
from svc_registry.use_cases.registering import record_prediction
from tests.use_cases.registry.promotion_world import PromotionWorld
from upwell.signing import new_private_key, public_key, sign_bundle


@pytest.fixture
def world(tmp_path: Path) -> PromotionWorld:
    return PromotionWorld(tmp_path)


def delete(world: PromotionWorld, version: int, *, name: str = "detector", reason: str = "wrong labels") -> ModelRecord:
    return deleting.delete_model(world.store, name=name, version=version, deleted_by="安娜", reason=reason)


def delete_dataset(world: PromotionWorld, name: str, version: int = 1) -> DatasetRecord:
    return deleting.delete_dataset(world.store, name=name, version=version, deleted_by="安娜", reason="private")


def find(world: PromotionWorld, reference: str) -> ModelRecord:
    with world.store.reading() as tx:
        return finding.find_model(tx, reference)


def test_a_deleted_version_says_who_deleted_it_and_keeps_its_number_and_place(world: PromotionWorld) -> None:
    world.model("run-1")
    world.model("run-2")
    gone = delete(world, 2)
    assert gone.deletion is not None
    assert delete(world, 2, reason="again").deletion == gone.deletion, "the first deletion stays"
    with pytest.raises(NotFoundError, match=r"detector@2 was deleted by 安娜 at 20.* UTC: wrong labels"):
        find(world, "detector@2")
    with pytest.raises(NotFoundError, match="was deleted by"):
        world.promote(2)
    assert world.model("run-3").version == 3, "its number is not given again"
    with world.store.reading() as tx:
        standing = [record.version for record in tx.models.page(name="detector", before_id=0, limit=9)]
        everything = tx.models.page(name="detector", before_id=0, limit=9, include_deleted=True)
    assert standing == [3, 1]
    assert [record.deletion is not None for record in everything] == [False, True, False]
    key, graph = walk_lineage(world.store, "detector@2", Direction.UP, max_depth=0)
    assert {node.key for node in graph.nodes if node.deleted} == {key} == {model_key("run-2")}
    (event,) = world.events("model.archived")
    assert (event["model"]["version"], event["deletion"]["deletedBy"]) == (2, "安娜")


def test_a_version_with_an_alias_is_not_deleted(world: PromotionWorld) -> None:
    world.model("run-1")
    world.promote(1)
    world.promote(1, alias="challenger")
    with pytest.raises(StateError, match="detector@1 has the alias challenger, champion"):
        delete(world, 1)
    for alias in ("champion", "challenger"):
        promoting.clear_alias(world.store, name="detector", alias=alias, moved_by="ben", reason="")
    assert delete(world, 1).deletion


def test_a_version_that_others_were_made_from_is_not_deleted(world: PromotionWorld) -> None:
    parent = world.model("run-1")
    child = world.model("run-2", parent=parent.ref)
    grandchild = world.model("run-3", parent=child.ref)
    copy = copying.copy_model(world.store, "detector@1", "other")
    with pytest.raises(StateError, match="detector@1 is what detector@2, other@1 was made from: delete that first"):
        delete(world, 1)
    delete(world, copy.version, name="other")
    delete(world, grandchild.version)
    delete(world, child.version)
    assert delete(world, 1).deletion


def test_predictions_do_not_hold_a_version(world: PromotionWorld) -> None:
    dataset = world.dataset("pump", "x")
    model = world.model("run-1")
    record_prediction(
        world.store,
        NewPrediction(job_id="j", dataset=dataset, model_name="detector", model_version=1, run_id=model.made.run_id),
    )
    assert delete(world, 1).deletion


@pytest.mark.parametrize("reason", ["", "  ", "x" * 2001])
def test_a_deletion_has_a_reason(world: PromotionWorld, reason: str) -> None:
    world.model("run-1")
    with pytest.raises(InvalidInputError, match="say why"):
        delete(world, 1, reason=reason)


def test_what_is_not_there_is_not_deleted(world: PromotionWorld) -> None:
    with pytest.raises(NotFoundError, match="no model version detector@7"):
        delete(world, 7)
    with pytest.raises(NotFoundError, match="no dataset version pump@1"):
        delete_dataset(world, "pump")


def test_a_dataset_version_is_deleted_after_what_was_made_from_it(world: PromotionWorld) -> None:
    raw = world.dataset("pump", "x")
    labels = world.dataset("labels", "y", raw)
    model = world.model("run-1", dataset=labels)
    with pytest.raises(StateError, match="pump@1 is what labels@1 was made from"):
        delete_dataset(world, "pump")
    with pytest.raises(StateError, match="labels@1 is what detector@1 was made from"):
        delete_dataset(world, "labels")
    delete(world, model.version)
    delete_dataset(world, "labels")
    assert delete_dataset(world, "pump") == delete_dataset(world, "pump")
    assert [event["dataset"]["name"] for event in world.events("dataset.archived")] == ["labels", "pump"]


def test_a_deleted_dataset_version_is_not_resolved_and_does_not_come_back(world: PromotionWorld) -> None:
    first, second = world.dataset("pump", "one"), world.dataset("pump", "two")
    delete_dataset(world, "pump", 2)
    with world.store.reading() as tx:
        assert finding.find_dataset(tx, "pump").digest == first.digest
        for lookup in (
            lambda: finding.find_dataset(tx, "pump@2"),
            lambda: finding.find_dataset_by_digest(tx, "pump", second.digest),
        ):
            with pytest.raises(NotFoundError, match=r"pump@2 was deleted by 安娜 at .*: private"):
                lookup()
        assert [record.version for record in tx.datasets.page(name="pump", kind="", before_id=0, limit=9)] == [1]
    world.dataset("pump", "two")
    (rejected,) = world.events("dataset.rejected")
    assert "This content is pump@2, which was deleted by 安娜" in rejected["failure"]["reason"]
    assert world.dataset("pump", "three").version == 3


# --- copies ---


def test_a_copy_has_the_same_bundle_another_name_and_a_place_in_the_lineage(world: PromotionWorld) -> None:
    original = world.model("run-1", f1=0.5)
    world.promote(1)
    copy = copying.copy_model(world.store, "detector", "泵")
    assert copying.copy_model(world.store, "detector@1", "泵") == copy
    assert (str(copy), copy.made.bundle_digest, copy.made.metrics, copy.aliases) == (
        "泵@1",
        original.made.bundle_digest,
        {"f1": 0.5},
        (),
    )
    assert copy.made.run_id != original.made.run_id
    key, graph = walk_lineage(world.store, "泵@1", Direction.UP, max_depth=0)
    assert {node.label for node in graph.nodes} >= {"泵@1", "detector@1", "series-lm run-1"}
    assert [edge.parent for edge in graph.edges if edge.child == key] == [model_key("run-1")]
    assert walk_lineage(world.store, copy.made.run_id, Direction.UP, max_depth=0) == (key, graph)
    event = world.events("model.registered")[-1]
    assert event["copiedFrom"] == {"name": "detector", "version": 1, "runId": "run-1"}
    assert len(world.events("model.registered")) == 2


def test_a_copy_under_its_own_name_or_of_nothing_is_refused(world: PromotionWorld) -> None:
    world.model("run-1")
    with pytest.raises(InvalidInputError, match="is a version of 'detector' already"):
        copying.copy_model(world.store, "detector@1", "detector")
    with pytest.raises(InvalidInputError, match="is not a name"):
        copying.copy_model(world.store, "detector@1", "a b")
    copying.copy_model(world.store, "detector@1", "other")
    delete(world, 1, name="other")
    with pytest.raises(StateError, match="The copy of detector@1 is other@1, and was deleted by"):
        copying.copy_model(world.store, "detector@1", "other")


def test_a_version_without_a_bundle_is_neither_copied_nor_signed(world: PromotionWorld) -> None:
    made = replace(world.model("run-1").made, run_id="run-2", bundle_digest="")
    with world.store.transaction() as tx:
        tx.models.add(made)
    with pytest.raises(StateError, match="detector@2 was imported without a bundle"):
        copying.copy_model(world.store, "detector@2", "other")
    with pytest.raises(StateError, match="detector@2 was imported without a bundle"):
        signing.sign_model(
            world.store,
            trusted_keys(""),
            reference="detector@2",
            bundle_digest="",
            key="",
            signature="",
            signed_by="",
        )


# --- signatures ---


def test_a_signature_is_checked_and_kept_and_a_copy_has_it_too(world: PromotionWorld) -> None:
    record, private = world.model("run-1"), new_private_key()
    verifier = trusted_keys(f"质检:{public_key(private)}")
    digest = record.made.bundle_digest

    def sign(signature: str, *, key: str = "质检", of: str = digest) -> ModelRecord:
        return signing.sign_model(
            world.store,
            verifier,
            reference="detector@1",
            bundle_digest=of,
            key=key,
            signature=signature,
            signed_by="qa",
        )

    good = sign_bundle(private, digest)
    for wrong, words in (
        (lambda: sign(good, key="other"), "'other' is not trusted here; UPWELL_TRUSTED_KEYS has: 质检"),
        (lambda: sign(good, of="0" * 64), "was signed; detector@1 is"),
        (lambda: sign(sign_bundle(new_private_key(), digest)), "not a signature of detector@1"),
        (lambda: sign(sign_bundle(private, "0" * 64)), "not a signature of detector@1"),
        (lambda: sign("not base64"), "not a signature of detector@1"),
    ):
        with pytest.raises(InvalidInputError, match=words):
            wrong()
    for _ in range(2):
        (kept,) = sign(good).signatures
    assert (kept.key, kept.value, kept.signed_by) == ("质检", good, "qa")
    assert copying.copy_model(world.store, "detector@1", "other").signatures == (kept,)
    assert len(world.events("model.signed")) == 1


def test_a_run_that_is_told_again_after_its_version_was_deleted_changes_nothing(world: PromotionWorld) -> None:
    world.model("run-1")
    delete(world, 1)
    assert world.model("run-1").deletion
    assert len(world.events("model.registered")) == 1
    assert world.events("model.rejected") == []
