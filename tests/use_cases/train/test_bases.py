"""Bases are added under a name for ever, and runs start from them."""

from __future__ import annotations

import pytest

from shared.errors import ConflictError, InvalidInputError, StateError, UnavailableError
from svc_train.domain.failures import StoppedAttemptError
from tests.use_cases.train.fakes import FakeLease
from tests.use_cases.train.world import World


def add(world: World, name: str, source: str, revision: str = "", *, hub: bool = False, stop: bool = False) -> str:
    return world.bases(hub=hub).add(name, source, revision, must_stop=lambda: stop).base.digest


def test_an_added_base_is_stored_announced_and_used(world: World) -> None:
    world.shelf.contents["mine"] = "my weights"
    digest = add(world, "ours", "folder:mine")
    assert world.artifacts.manifest(digest).kind == "base/v1"
    assert world.events("base.produced") == [{"name": "ours", "manifestDigest": digest}]
    base, folder = world.execution().inputs.base("ours", world.root / "job", FakeLease())
    assert (base.name, base.digest) == ("ours", digest)
    assert (folder / "config.json").read_text() == "my weights"
    assert not list((world.root / "adding").iterdir())


def test_the_same_again_changes_nothing_and_other_bytes_need_another_name(world: World) -> None:
    first = add(world, "ours", "built-in:tiny")
    assert add(world, "ours", "built-in:tiny") == first
    world.shelf.contents["tiny"] = "other weights"
    with pytest.raises(ConflictError, match="'ours' was added before with other bytes"):
        add(world, "ours", "built-in:tiny")
    assert add(world, "newer", "built-in:tiny") != first


def test_an_added_base_stands_in_the_list_before_what_else_has_its_name(world: World) -> None:
    world.shelf.contents["mine"] = "my weights"
    digest = add(world, "mine", "folder:mine")
    assert [(one.name, one.origin, one.digest) for one in world.bases().available()] == [
        ("mine", "added", digest),
        ("tiny", "built-in", ""),
    ]


def test_the_hub_is_asked_only_where_that_is_allowed(world: World) -> None:
    world.shelf.contents["Qwen/Qwen3-0.6B"] = "hub weights"
    with pytest.raises(StateError, match="UPWELL_HUB=true"):
        add(world, "qwen3", "hub:Qwen/Qwen3-0.6B")
    assert world.shelf.prepared == []
    assert add(world, "qwen3", "hub:Qwen/Qwen3-0.6B", hub=True)
    world.shelf.is_down = True
    with pytest.raises(UnavailableError):
        add(world, "qwen3", "hub:Qwen/Qwen3-0.6B", hub=True)


@pytest.mark.parametrize(
    ("name", "source", "revision", "fields"),
    [
        ("no name", "folder:mine", "", ["name"]),
        ("tiny", "folder:mine", "", ["name"]),
        ("ours", "mine", "", ["source"]),
        ("ours", "disk:mine", "", ["source"]),
        ("ours", "folder:../mine", "", ["source"]),
        ("ours", "folder:mine", "main", ["revision"]),
        ("ours", "hub:Qwen3", "", ["source"]),
        ("ours", "hub:../x", "-v", ["source", "revision"]),
        ("ours", "built-in:huge", "", ["base"]),
    ],
)
def test_what_is_wrong_is_told_by_field(world: World, name: str, source: str, revision: str, fields: list[str]) -> None:
    with pytest.raises(InvalidInputError) as caught:
        add(world, name, source, revision, hub=True)
    assert [violation.field for violation in caught.value.violations] == fields
    assert world.events("base.produced") == []


def test_a_caller_who_goes_away_leaves_nothing(world: World) -> None:
    with pytest.raises(StoppedAttemptError):
        add(world, "ours", "built-in:tiny", stop=True)
    assert not list((world.root / "adding").iterdir())
