"""Histories over SQLite: imported, read, exported, compared."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.contracts.versions import ModelRef
from shared.errors import InvalidInputError, NotFoundError
from svc_registry.domain.graph import Direction
from svc_registry.use_cases import histories, lineage
from tests.support.histories import BASE, FIRST, SECOND, entry, good_tree, info
from tests.use_cases.registry.history_world import World, outcomes, wrong


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path)
    yield made
    made.database.dispose()


def test_a_shared_prefix_is_registered_once(world: World) -> None:
    results = world.take(good_tree())
    assert not any(result.wrong for result in results.values())
    assert sum(result.new_versions for result in results.values()) == 7 == world.registered()
    assert world.chain("parent-finder@1") == [
        ("文档-stage1@1", "stage1", 100),
        ("features@1", "features", 350),
        ("parent-finder@1", "3", 380),
    ]
    assert world.chain("文档-stage2@1")[0] == ("文档-stage1@1", "stage1", 100)


def test_an_entry_without_a_file_of_its_own_has_the_name_and_no_stage(world: World) -> None:
    world.take(good_tree())
    assert world.chain("alone@3") == [("alone@1", "", 5), ("alone@2", "", 11), ("alone@3", "stage1", 11)]


def test_the_second_import_changes_nothing(world: World) -> None:
    world.take(good_tree())
    assert outcomes(world.take(good_tree())) == {(False, False, 0)}
    assert world.registered() == 7


def test_an_export_is_what_was_imported_and_its_import_changes_nothing(world: World) -> None:
    world.take(good_tree())
    exported = world.export()
    assert exported == good_tree()
    assert list(exported["exp_a/features_hrds/training_info.json"]) == list(info("x", [FIRST]))
    assert outcomes(world.take(exported)) == {(False, False, 0)}


def test_export_of_one_model(world: World) -> None:
    world.take(good_tree())
    world.train("run-1")
    assert set(world.export("features")) == {"exp_a/features_hrds/training_info.json"}
    assert set(world.export("detector")) == {"detector/1/training_info.json"}
    assert world.export("nothing") == {}


def test_files_in_any_order_and_any_number_of_calls_give_the_same_export(world: World) -> None:
    paths = list(good_tree())
    random.Random(7).shuffle(paths)
    for path in paths:
        assert not world.take({path: good_tree()[path]})[path].wrong
    assert world.export() == good_tree()
    assert world.registered() == 7


def test_a_version_that_was_implied_learns_its_stage_from_its_own_file(world: World) -> None:
    late = info("late", [FIRST, SECOND], stage="features")
    world.take({"b/training_info.json": late})
    world.take({"a/training_info.json": info("early", [FIRST], stage="stage1")})
    # The name that was announced stays; the file keeps the one it gave.
    assert world.chain("late@2") == [("late@1", "stage1", 100), ("late@2", "features", 350)]
    assert world.export()["a/training_info.json"]["model_name"] == "early"


def test_bad_files_are_named_by_field_and_good_ones_go_in(world: World) -> None:
    bad = {
        "a/training_info.json": b"{",
        "b/training_info.json": info("x", []),
        "c/training_info.json": info("x", [entry("d", -1)], total_steps=None),
        "../d/training_info.json": info("x", [FIRST]),
        "e/training_info.json": b'{"model_name": "x", "training_history": [{"dataset": "d", "steps": NaN}]}',
    }
    good = {"good/training_info.json": info("good", [FIRST])}
    results = world.take({**bad, **good})
    assert [wrong(results[path]) for path in bad] == [
        ["(file)"],
        ["training_history"],
        ["training_history[0].steps"],
        ["path"],
        ["training_history[0].steps"],
    ]
    assert results["good/training_info.json"].is_new
    assert world.export() == good


def test_a_file_that_went_on_takes_the_place_of_its_earlier_state(world: World) -> None:
    path = "run/training_info.json"
    world.take({path: info("x", [FIRST])})
    result = world.take({path: info("x", [FIRST, SECOND])})[path]
    assert (result.is_new, result.is_changed, result.new_versions) == (False, True, 1)
    assert world.chain("x@2")[-1] == ("x@2", "stage1", 350)


def test_another_history_under_the_same_path_is_refused(world: World) -> None:
    path = "run/training_info.json"
    world.take({path: info("x", [FIRST])})
    result = world.take({path: info("x", [SECOND])})[path]
    assert wrong(result) == ["(file)"]
    assert "another folder" in result.wrong[0].reason
    assert world.export()[path]["training_history"] == [FIRST]


def test_only_a_file_that_changes_something_is_stored(world: World) -> None:
    first, other = "run/training_info.json", "other/training_info.json"
    world.train("run-1")
    own, stored = world.export(), world.objects()
    assert outcomes(world.take(own)) == {(False, False, 0)}
    assert world.objects() == stored
    world.take({first: info("x", [FIRST])})
    assert world.objects() == stored + 1
    assert outcomes(world.take({first: dict(reversed(info("x", [FIRST]).items()))})) == {(False, True, 0)}
    stored = world.objects()
    assert wrong(world.take({first: info("x", [SECOND])})[first])
    assert outcomes(world.take({first: dict(reversed(info("x", [FIRST]).items()))})) == {(False, False, 0)}
    assert world.objects() == stored
    world.take({other: info("y", [SECOND])})
    assert world.objects() == stored + 1


def test_the_base_tells_equal_histories_apart(world: World) -> None:
    world.take({"a/training_info.json": info("x", [FIRST]), "b/training_info.json": info("x", [FIRST], base_model="o")})
    assert world.registered() == 2


def test_a_checkpoint_may_come_later(world: World) -> None:
    path = "run/training_info.json"
    assert world.take({path: info("x", [FIRST])})[path].checkpoint_missing
    file = world.root / "weights"
    file.write_text("w")
    digest = world.artifacts.store(kind="bundle/v1", files={"model.safetensors": file}, meta={}, parents=()).digest
    result = world.take({path: info("x", [FIRST])}, **{path: digest})[path]
    assert (result.is_new, result.is_changed, result.checkpoint_missing) == (False, True, False)
    # A later import that has no checkpoint at hand does not lose it.
    assert outcomes(world.take({path: info("x", [FIRST])})) == {(False, False, 0)}
    assert histories.history_of(world.store, "x@1")[0].imported.popitem()[1].checkpoint_digest == digest  # type: ignore[attr-defined]
    assert wrong(world.take({path: info("x", [FIRST])}, **{path: "0" * 64})[path]) == ["checkpoint_digest"]


def test_lineage_of_what_was_imported(world: World) -> None:
    world.take(good_tree())
    _, up = lineage.walk_lineage(world.store, "features@1", Direction.UP, max_depth=0)
    assert {node.label for node in up.nodes} >= {"文档-stage1@1", "hrds/简单", "hrds-hard", BASE}
    assert {node.key for node in up.nodes} >= {"dataset/hrds-hard/external", f"base/external/{BASE}"}
    assert all(node.seen for node in up.nodes)


def test_runs_of_our_own_are_exported_with_their_ids(world: World) -> None:
    first = world.train("run-1", stage="stage1")
    world.train("run-2", parent=first, stage="stage2", total_steps=5, epochs=1.5)
    exported = world.export()
    assert set(exported) == {"detector/1_stage1/training_info.json", "detector/2_stage2/training_info.json"}
    second = exported["detector/2_stage2/training_info.json"]
    assert second["total_steps"] == 15
    assert second["base_model"] == "tiny-qwen"
    assert second["last_dataset"] == "labels@2"
    assert [each["run_id"] for each in second["training_history"]] == ["run-1", "run-2"]
    assert second["training_history"][1]["start_time"] == "2026-04-01T08:00:00+00:00"


def test_the_import_of_our_own_export_changes_nothing_here_and_all_elsewhere(world: World, tmp_path: Path) -> None:
    first = world.train("run-1", stage="stage1")
    world.train("run-2", parent=first, stage="stage2")
    exported = world.export()
    assert outcomes(world.take(exported)) == {(False, False, 0)}
    assert world.export() == exported
    other_root = tmp_path / "other"
    other_root.mkdir()
    other = World(other_root)
    assert sum(result.new_versions for result in other.take(exported).values()) == 2
    assert other.export() == exported
    assert outcomes(other.take(exported)) == {(False, False, 0)}
    other.database.dispose()


def test_a_run_of_ours_may_go_on_from_an_imported_version(world: World) -> None:
    world.take({"run/training_info.json": info("x", [FIRST])})
    start = histories.history_of(world.store, "x@1")[0].last
    world.train("run-9", parent=ModelRef(name="x", version=1, run_id=start.made.run_id))
    document = world.document("detector@1")
    assert document["base_model"] == BASE
    assert document["training_history"][0] == FIRST
    assert document["total_steps"] == 110
    exported = world.export()
    assert outcomes(world.take(exported)) == {(False, False, 0)}
    assert world.export() == exported


def test_what_contradicts_the_catalogue_is_refused(world: World) -> None:
    world.train("run-1")
    ((path, document),) = world.export().items()
    lying = {**document, "training_history": [{**document["training_history"][0], "steps": 11}]}
    assert wrong(world.take({path: lying})[path]) == ["training_history[0].run_id"]
    grafted = {**document, "training_history": [FIRST, document["training_history"][0]]}
    assert wrong(world.take({path: grafted})[path]) == ["training_history[1].run_id"]
    assert world.registered() == 1


def test_two_of_our_versions_with_a_place_that_is_taken(world: World) -> None:
    world.train("run-1")
    path = "detector/1/training_info.json"
    world.take({path: info("x", [FIRST])})
    assert set(world.export()) == {path, f"run-1/{path}"}


def test_summaries_of_all_models(world: World) -> None:
    world.take(good_tree())
    world.train("run-1", stage="s")
    found = {each.model: each for each in histories.summaries(world.store, after="", limit=100)}
    assert list(found) == sorted(found)
    alone, detector = found["alone"], found["detector"]
    assert (alone.version_count, alone.newest_version, alone.total_steps, alone.imported_count) == (3, 3, 11, 3)
    assert (alone.stages, alone.datasets) == (("stage1",), ("x", "y", "z"))
    assert (detector.datasets, detector.stages, detector.imported_count) == (("labels@2",), ("s",), 0)
    assert detector.last_updated == datetime(2026, 4, 1, 9, tzinfo=UTC)
    page = histories.summaries(world.store, after="alone", limit=1)
    assert [each.model for each in page] == ["detector"]


def test_versions_beside_each_other(world: World) -> None:
    world.take(good_tree())
    compared = world.compare("features@1", "文档-stage2@1", "parent-finder@1")
    facts = {fact.name: fact for fact in compared.facts}
    assert facts["dataset"].values == ("hrds-hard", "comphrdoc", "parents")
    assert facts["steps of the chain"].values == (350, 140, 380)
    assert facts["loss"].values == (round(10 / 251, 6), round(10 / 41, 6), round(10 / 31, 6))
    assert not facts["learning_rate"].differs
    assert not facts["base"].differs
    assert compared.steps_before == (100, 100, 350)
    lineage_of = {each.node.label: each.present for each in compared.lineage}
    assert lineage_of["comphrdoc"] == (False, True, False)
    assert lineage_of["features@1"] == (False, False, True)
    assert "hrds/简单" not in lineage_of


def test_what_a_version_does_not_have_is_none(world: World) -> None:
    world.train("run-1")
    world.train("run-2", metrics={"f1": 1}, hyperparameters={"max_steps": 10.0})
    facts = {fact.name: fact for fact in world.compare("detector@1", "detector@2").facts}
    assert facts["method"].values == ("lora", None)
    assert facts["method"].differs
    assert not facts["max_steps"].differs


@pytest.mark.parametrize("models", [(), ("detector@1",), ("detector@1",) * 21])
def test_a_comparison_has_two_to_twenty(world: World, models: tuple[str, ...]) -> None:
    with pytest.raises(InvalidInputError, match="2 to 20"):
        world.compare(*models)


def test_a_version_that_is_not_there(world: World) -> None:
    with pytest.raises(NotFoundError):
        world.document("nothing@1")


names = st.sampled_from(["a", "b", "模型", "x y"])
numbers = st.one_of(st.integers(-(2**60), 2**60), st.floats(allow_nan=False, allow_infinity=False))
values = st.recursive(
    st.none() | st.booleans() | numbers | st.text(max_size=5), lambda inner: st.lists(inner, max_size=2), max_leaves=4
)
entries = st.builds(
    entry,
    st.sampled_from(["d1", "d2", "数据"]),
    st.integers(0, 3),
    metrics=st.dictionaries(st.text(max_size=3), numbers, max_size=2),
    hyperparams=st.dictionaries(st.text(max_size=3), values, max_size=2),
    extra=values,
)


@st.composite
def trees(draw: st.DrawFn) -> dict[str, Any]:
    """Files whose histories grow out of each other."""
    made: list[list[dict[str, Any]]] = []
    for _ in range(draw(st.integers(1, 5))):
        start = draw(st.sampled_from(made)) if made and draw(st.booleans()) else []
        made.append([*start, *draw(st.lists(entries, min_size=1, max_size=2))])
    return {
        f"f{place}/训/training_info.json": info(draw(names), history, stage=draw(st.sampled_from(["s1", "s2", 3])))
        for place, history in enumerate(made)
    }


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(trees())
def test_any_tree_comes_back(tmp_path_factory: pytest.TempPathFactory, tree: dict[str, Any]) -> None:
    world = World(tmp_path_factory.mktemp("tree"))
    try:
        results = world.take(tree)
        assert not [result.wrong for result in results.values() if result.wrong]
        prefixes = {
            json.dumps(each["training_history"][:end], sort_keys=True)
            for each in tree.values()
            for end in range(1, len(each["training_history"]) + 1)
        }
        assert world.registered() == len(prefixes)
        assert world.export() == tree
        assert outcomes(world.take(world.export())) == {(False, False, 0)}
        assert world.export() == tree
    finally:
        world.database.dispose()
