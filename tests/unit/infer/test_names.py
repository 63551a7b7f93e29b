"""Aliases in this server."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from shared.contracts.names import parse_reference
from shared.errors import IntegrityError, NotFoundError, UnavailableError
from svc_infer.serving.names import Names
from svc_infer.serving.shelf import Shelf
from tests.unit.infer.fakes import FakeCatalogue, FakeLoader, version

V1, V2, V3 = (version(number) for number in range(1, 4))


class Serving:
    """A shelf and its names over a registry."""

    def __init__(self, capacity: int = 4) -> None:
        self.loader = FakeLoader()
        self.catalogue = FakeCatalogue()
        self.shelf = Shelf(self.loader, capacity=capacity)
        self.shelf.start()
        self.names = Names(self.catalogue, self.shelf)

    def speaks(self, reference: str) -> str | None:
        model = self.names.ready(parse_reference("model", reference))
        return str(model.version) if model else None

    def resolve(self, reference: str) -> str:
        return str(self.names.resolve(parse_reference("model", reference)))


@pytest.fixture
def serving() -> Iterator[Serving]:
    made = Serving()
    yield made
    made.shelf.stop()


@pytest.fixture
def small() -> Iterator[Serving]:
    made = Serving(capacity=1)
    yield made
    made.shelf.stop()


def test_an_alias_answers_once_its_version_is_loaded(serving):
    assert serving.speaks("pump") is None
    serving.catalogue.promote(V1)
    serving.catalogue.promote(V1, "challenger")
    serving.names.reconcile()
    assert [serving.speaks(name) for name in ("pump", "pump:champion", "pump:challenger", "pump@1")] == ["pump@1"] * 4
    assert serving.loader.loads == ["pump@1"]


def test_a_promotion_moves_the_alias_and_the_version_before_stays_in_memory(serving):
    for one in (V1, V2):
        serving.catalogue.promote(one)
        serving.names.reconcile()
    assert serving.speaks("pump") == "pump@2"
    assert serving.speaks("pump@1") == "pump@1"


def test_rolling_back_loads_nothing(serving):
    for one in (V1, V2, V1):
        serving.catalogue.promote(one)
        serving.names.reconcile()
    assert serving.speaks("pump") == "pump@1"
    assert serving.loader.loads == ["pump@1", "pump@2"]


def test_a_refused_version_leaves_the_alias_where_it_was(serving):
    serving.catalogue.promote(V1)
    serving.names.reconcile()
    serving.loader.errors[V2.run_id] = IntegrityError("damaged")
    serving.catalogue.promote(V2)
    serving.names.reconcile()
    assert serving.speaks("pump") == "pump@1"
    serving.catalogue.promote(V3)
    serving.names.reconcile()
    assert serving.speaks("pump") == "pump@3"


def test_the_version_before_answers_while_the_new_one_loads(serving):
    serving.catalogue.promote(V1)
    serving.names.reconcile()
    serving.catalogue.promote(V2)

    class Watching(FakeLoader):
        def load(self, of):
            seen.append(serving.speaks("pump"))
            return super().load(of)

    seen: list[str | None] = []
    serving.shelf._loader = Watching()
    serving.names.reconcile()
    assert seen == ["pump@1"]
    assert serving.speaks("pump") == "pump@2"


def test_a_registry_that_is_down_changes_nothing(serving):
    serving.catalogue.promote(V1)
    serving.names.reconcile()
    serving.catalogue.is_down = True
    with pytest.raises(UnavailableError):
        serving.names.reconcile()
    assert serving.speaks("pump") == "pump@1"
    assert serving.resolve("pump") == "pump@1", "what is known here needs no registry"
    with pytest.raises(UnavailableError):
        serving.resolve("valve")


def test_one_bundle_that_cannot_be_fetched_holds_up_no_other(serving):
    other = version(7, name="valve")
    serving.catalogue.promote(V1)
    serving.catalogue.promote(other)
    serving.loader.errors[V1.run_id] = UnavailableError("The object store does not answer")
    with pytest.raises(UnavailableError):
        serving.names.reconcile()
    assert serving.speaks("valve") == "valve@7"


def test_an_alias_that_the_registry_does_not_know_any_more_is_forgotten(serving):
    serving.catalogue.promote(V1)
    serving.names.reconcile()
    serving.catalogue.standing.clear()
    serving.catalogue.models.clear()
    serving.names.reconcile()
    assert serving.speaks("pump") is None
    with pytest.raises(NotFoundError):
        serving.resolve("pump")


def test_a_deleted_version_answers_no_longer(serving):
    for one in (V1, V2, V3):
        serving.catalogue.promote(one)
        serving.names.reconcile()
    serving.catalogue.models.remove(V1)
    serving.names.reconcile()
    assert serving.speaks("pump@1") is None
    with pytest.raises(NotFoundError):
        serving.resolve("pump@1")
    assert [serving.speaks(name) for name in ("pump@2", "pump@3", "pump")] == ["pump@2", "pump@3", "pump@3"]


def test_a_registry_that_goes_down_while_versions_are_asked_for_costs_none(serving):
    for one in (V1, V2):
        serving.catalogue.promote(one)
        serving.names.reconcile()
    serving.catalogue.goes_down_after = "aliases"
    with pytest.raises(UnavailableError):
        serving.names.reconcile()
    assert serving.speaks("pump@1") == "pump@1"


def test_where_aliases_fill_the_shelf_one_more_is_loaded_by_its_first_request(small):
    small.catalogue.promote(V1)
    small.names.reconcile()
    small.catalogue.promote(version(7, name="valve"))
    small.names.reconcile()
    assert small.speaks("pump") == "pump@1"
    assert small.speaks("valve") is None
    assert small.resolve("valve") == "valve@7"
    assert small.catalogue.asked == ["aliases", "aliases"], "where the alias stands is known here"
    small.shelf.load(version(7, name="valve")).result(10)
    assert small.speaks("valve") == "valve@7"


def test_where_aliases_fill_the_shelf_a_promotion_still_replaces_the_version_before(small):
    for one in (V1, V2):
        small.catalogue.promote(one)
        small.names.reconcile()
    assert small.speaks("pump") == "pump@2"
    assert small.speaks("pump@1") is None


def test_versions_that_no_alias_names_are_in_nobodys_way(small):
    small.catalogue.models.append(V1)
    small.shelf.load(V1).result(10)
    small.catalogue.promote(version(7, name="valve"))
    small.names.reconcile()
    assert small.speaks("valve") == "valve@7"


def test_a_number_made_anew_by_another_run_is_another_version(serving):
    serving.catalogue.promote(V1)
    serving.names.reconcile()
    serving.catalogue.promote(version(1, run_id="another"))
    serving.names.reconcile()
    model = serving.names.ready(parse_reference("model", "pump"))
    assert model.version.run_id == "another"
