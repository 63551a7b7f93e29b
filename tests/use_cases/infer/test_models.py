"""How the models in a server do."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from shared.errors import IntegrityError, InvalidInputError, NotFoundError
from svc_infer.domain.models import ModelState
from svc_infer.serving.batcher import Batcher, Limits
from svc_infer.serving.names import Names
from svc_infer.serving.shelf import Shelf
from svc_infer.use_cases.models import model_health, model_statuses
from tests.unit.infer.fakes import FakeCatalogue, FakeLoader, series, version


class Server:
    """`pump@1` is champion and challenger, `pump@2` was promoted to champion and refused, `valve@5` is champion."""

    def __init__(self) -> None:
        self.loader = FakeLoader()
        self.shelf = Shelf(self.loader, capacity=4)
        self.shelf.start()
        self.catalogue = FakeCatalogue()
        self.names = Names(self.catalogue, self.shelf)
        self.batcher = Batcher(Limits())  # does not answer, so that requests wait
        self.loader.errors["pump-run-2"] = IntegrityError("config.json is damaged")
        for one, alias in (
            (version(1), "champion"),
            (version(1), "challenger"),
            (version(5, name="valve"), "champion"),
        ):
            self.catalogue.promote(one, alias)
        self.names.reconcile()
        self.catalogue.promote(version(2))
        self.names.reconcile()

    def statuses(self, reference: str = "") -> dict[str, tuple[ModelState, tuple[str, ...], int]]:
        found = model_statuses(self.shelf, self.names, [self.batcher], reference)
        return {str(status.version): (status.state, status.aliases, status.queue_length) for status in found}


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    yield made
    made.shelf.stop()


def test_every_version_tells_its_state_its_aliases_and_its_queue(server):
    model = server.shelf.ready(version(1))
    for _ in range(3):
        server.batcher.submit(model, [series()])
    assert server.statuses() == {
        "pump@1": (ModelState.READY, ("challenger", "champion"), 3),
        "pump@2": (ModelState.FAILED, (), 0),
        "valve@5": (ModelState.READY, ("champion",), 0),
    }


@pytest.mark.parametrize(
    ("reference", "versions"),
    [
        ("pump", {"pump@1", "pump@2"}),
        ("pump@2", {"pump@2"}),
        ("pump:champion", {"pump@1"}),
        ("valve:champion", {"valve@5"}),
    ],
)
def test_a_reference_narrows(server, reference, versions):
    assert set(server.statuses(reference)) == versions


@pytest.mark.parametrize("reference", ["other", "pump@3", "pump:archived"])
def test_what_is_not_here_is_not_found(server, reference):
    with pytest.raises(NotFoundError, match="This server holds no"):
        server.statuses(reference)


def test_a_malformed_reference_is_refused(server):
    with pytest.raises(InvalidInputError, match="model"):
        server.statuses("pump@x")


def test_a_model_is_healthy_when_a_version_that_an_alias_names_is_in_memory(server):
    assert model_health(server.shelf, server.names) == {"pump": True, "valve": True}


def test_a_model_whose_version_had_to_go_is_not(server):
    server.shelf._capacity = 1
    server.shelf.load(version(9, name="other")).result(10)
    assert model_health(server.shelf, server.names) == {"pump": False, "valve": False}
