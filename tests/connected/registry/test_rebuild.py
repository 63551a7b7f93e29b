"""A catalogue that is lost comes back from the streams and the bucket, by the command an operator has."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.connected.registry.world import World
from tests.support.bus import publish
from tests.support.dump import dump
from tests.support.histories import FIRST, SECOND, info
from tests.support.servers import running_servers, wait_until
from upwell.client import Upwell
from upwell.common.v1 import common_pb2 as common
from upwell.events import BY_SUBJECT, REGISTRY, REPLAYED
from upwell.registry.v1 import events_pb2 as registry
from upwell.registry.v1 import history_service_pb2 as history

pytestmark = pytest.mark.connected


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    root: Path = tmp_path_factory.mktemp("rebuild")
    with running_servers(root / "servers") as servers:
        yield filled(World(servers, root))


def filled(world: World) -> World:
    """A run's model, an uploaded one, an imported history, aliases that moved, a prediction, a refusal."""
    series = world.dataset("泵-7", {"s": b"series"}, meta={"rows": 3}, parents=("source/file:泵.csv",))
    world.dataset("泵-7", {"s": b"more"})
    labels = world.dataset("labels", {"l": b"x"}, kind="segments/v1", parents=(f"dataset/泵-7/{series.digest}",))
    base = world.base("tiny", {"config.json": b"{}"})
    ref = common.DatasetRef(name="labels", version=1, manifest_digest=labels.digest)
    base_ref = common.BaseRef(name="tiny", digest=base.digest)
    for run_id in ("run-1", "run-2"):
        world.model("detector", run_id, ref, base_ref)
    folder = world.bundle_folder("uploaded", base_ref)
    world.ask(lambda upwell: upwell.artifacts.push_model(folder, name="detector"))
    for version, reason in ((1, "first"), (3, "von außen"), (2, "")):
        world.ask(lambda upwell, v=version, r=reason: upwell.registry.promote("detector", version=v, reason=r))
    world.ask(lambda upwell: upwell.registry.promote("detector", version=3, alias="challenger"))
    world.prediction("job-1", ref, common.ModelRef(name="detector", version=2, run_id="run-2"))
    world.ask(imported)
    wrong = world.stored("segments/v1", {"f": b"wrong"})
    refused = registry.DatasetProduced(name="泵-7", kind="segments/v1", manifest_digest=wrong.digest)
    world.tell("svc_label", refused, key=wrong.digest)
    world.dataset("last", {"f": b"last"})
    wait_until(lambda: not waiting(world), 20)
    return world


async def imported(upwell: Upwell) -> None:
    content = json.dumps(info("文档", [FIRST, SECOND])).encode()
    files = [history.HistoryFile(path="exp/training_info.json", content=content)]
    (result,) = [each async for each in upwell.history.import_files(files)]
    assert result.new_versions == 2


def waiting(world: World) -> int:
    """Events that wait in the outbox."""
    database = world.database()
    with database.engine.connect() as connection:
        count = connection.exec_driver_sql("SELECT count(*) FROM outbox").scalar_one()
    database.dispose()
    return int(count)


def dumped(world: World):
    database = world.database()
    found = dump(database)
    database.dispose()
    return found


def test_the_registry_reads_the_streams_it_is_rebuilt_from_and_no_others(world: World) -> None:
    assert {BY_SUBJECT[subject].stream for subject in ("train.completed", "infer.completed", "model.promoted")} == set(
        REPLAYED[REGISTRY]
    )
    assert publish(world.servers, "svc_label", "label.failed", b"{}")


def test_a_lost_catalogue_comes_back_equal_and_goes_on(world: World) -> None:
    before = dumped(world)
    world.service.terminate()
    for file in world.database_file.parent.glob("svc_registry.db*"):
        file.unlink()
    ended = world.rebuild()
    assert ended.returncode == 0, ended.stderr
    assert set(ended.stdout.splitlines()) == {
        "4 datasets",
        "1 bases",
        "5 models",
        "1 histories",
        "4 entries of the ledger",
        "1 predictions",
    }
    assert dumped(world) == before
    world.service.start()
    assert world.ask(lambda upwell: upwell.registry.model("detector")).ref.version == 2
    world.dataset("泵-7", {"s": b"third"})
    assert world.ask(lambda upwell: upwell.registry.dataset("泵-7")).ref.version == 3


def test_a_catalogue_that_stands_is_replaced_only_when_asked_even_while_it_serves(world: World) -> None:
    wait_until(lambda: not waiting(world), 20)
    before = dumped(world)
    refused = world.rebuild()
    assert (refused.returncode, "use --replace" in refused.stderr) == (1, True)
    ended = world.rebuild("--replace")
    assert ended.returncode == 0, ended.stderr
    assert dumped(world) == before
    assert world.ask(lambda upwell: upwell.registry.model("detector@3")).recipe == "series-lm"


def test_without_a_bus_nothing_is_touched(world: World) -> None:
    before = dumped(world)
    world.servers.stop_server("nats")
    try:
        ended = world.rebuild("--replace")
    finally:
        world.servers.start_server("nats")
    assert ended.returncode == 1
    assert "The bus at" in ended.stderr
    assert dumped(world) == before
