"""Promotions against real servers: they reach every replica, drop no request, and stop at what is damaged."""

from __future__ import annotations

import asyncio
import threading
import time
from dataclasses import replace

import numpy as np
import psutil
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from shared.modeling.bundle import LORA
from tests.connected.infer.world import WITHIN_S, Replica, World
from tests.support.servers import wait_until
from upwell.bus import connection
from upwell.infer.v1 import infer_service_pb2 as pb
from upwell.permissions import ADMIN

# Three processes read torch before the first test begins: minutes where the cores are taken.
pytestmark = [pytest.mark.connected, pytest.mark.heavy, pytest.mark.timeout(300)]
WAVE = np.sin(np.arange(200) / 7)


def scores(answer: pb.PredictResponse) -> np.ndarray:
    return np.array(answer.answers[0].scores[0].scores)


def test_a_promotion_reaches_both_replicas_and_so_does_its_way_back(world: World):
    first = world.register("reach", world.models.bundle("reach-1", seed=1))
    second = world.register("reach", world.models.bundle("reach-2", seed=2, method=LORA))
    assert (first, second) == (1, 2)
    world.serve("reach", first)
    before = [scores(replica.predict("reach", WAVE)) for replica in world.replicas]
    np.testing.assert_allclose(before[0], before[1], atol=1e-5)
    world.serve("reach", second)
    assert not np.allclose(scores(world.hearing.predict("reach", WAVE)), before[0], atol=1e-3), "another model speaks"
    world.serve("reach", first)
    np.testing.assert_allclose(scores(world.hearing.predict("reach", WAVE)), before[0], atol=1e-5)
    for replica in world.replicas:
        states = replica.statuses("reach")
        assert {number: list(status.aliases) for number, status in states.items()} == {1: ["champion"], 2: []}
        assert all(status.state == pb.MODEL_STATE_READY for status in states.values())
    health = health_pb2_grpc.HealthStub(world.hearing.channel)
    answer = health.Check(health_pb2.HealthCheckRequest(service="model/reach"), timeout=WITHIN_S)
    assert answer.status == health_pb2.HealthCheckResponse.SERVING


def test_switching_under_load_drops_no_request_and_mixes_no_answers(world: World):
    versions = [world.register("busy", world.models.bundle(f"busy-{seed}", seed=seed)) for seed in (3, 4)]
    world.serve("busy", versions[0])
    expected = {number: scores(world.hearing.predict(f"busy@{number}", WAVE)) for number in versions}
    stop = threading.Event()
    spoken: list[list[int]] = []
    failures: list[Exception] = []

    def call(replica: Replica) -> None:
        mine: list[int] = []
        spoken.append(mine)
        while not stop.is_set():
            try:
                answer = replica.predict("busy", WAVE)
                np.testing.assert_allclose(scores(answer), expected[answer.model.version], atol=1e-4)
                mine.append(answer.model.version)
            except Exception as error:  # noqa: BLE001 - every failure counts
                failures.append(error)

    callers = [threading.Thread(target=call, args=(world.hearing,)) for _ in range(4)]
    for caller in callers:
        caller.start()
    for number in (versions[1], versions[0], versions[1]):
        world.promote("busy", number)
        wait_until(lambda number=number: world.hearing.speaks("busy") == number, WITHIN_S)
    stop.set()
    for caller in callers:
        caller.join(WITHIN_S)
    assert failures == []
    assert all(len(mine) > 3 for mine in spoken)
    assert {number for mine in spoken for number in mine} == set(versions)


@pytest.mark.parametrize("damage", ["flipped byte", "missing file", "wrong base"])
def test_a_damaged_version_is_refused_and_the_one_before_keeps_serving(world: World, damage: str):
    name = damage.replace(" ", "-")
    good = world.register(name, world.models.bundle(f"{name}-good", seed=5))
    world.serve(name, good)
    before = scores(world.hearing.predict(name, WAVE))
    made, words = damaged(world, name, damage)
    bad = world.register(name, made)
    world.promote(name, bad)
    for replica in world.replicas:
        wait_until(
            lambda replica=replica: (
                bad in replica.statuses(name) and replica.statuses(name)[bad].state == pb.MODEL_STATE_FAILED
            ),
            WITHIN_S,
            replica.service.log_tail,
        )
        status = replica.statuses(name)[bad]
        assert words in status.failure.reason
        assert status.failure.remedy
        assert list(status.aliases) == []
        answer = replica.predict(name, WAVE)
        assert answer.model.version == good
        np.testing.assert_allclose(scores(answer), before, atol=1e-5)
    third = world.register(name, world.models.bundle(f"{name}-third", seed=6))
    world.serve(name, third)


def damaged(world: World, name: str, damage: str):
    """A version that must not be served, and what the refusal says."""
    if damage == "wrong base":
        made = world.models.bundle(f"{name}-bad", method=LORA, base=world.models.other_base())
        return made, "was trained on the base 'tiny-qwen'"
    made = world.models.bundle(f"{name}-bad", seed=7)
    if damage == "flipped byte":
        world.flip(made.bundle_digest, "model.safetensors")
        return made, "model.safetensors is damaged"
    world.remove(made.bundle_digest, "model.safetensors")
    return made, "model.safetensors: the file"


def test_a_base_that_the_registry_knows_otherwise_is_refused(world: World):
    made = world.models.bundle("claims-lora", method=LORA)
    other = replace(made, base=replace(made.base, digest="0" * 64))
    number = world.register("claims", other)
    status = wait_for_refusal(world, "claims", number)
    assert "the registry says 'tiny-qwen' (000000000000)" in status.failure.reason


def wait_for_refusal(world: World, name: str, number: int) -> pb.ModelStatus:
    world.promote(name, number)

    def refused() -> pb.ModelStatus | None:
        status = world.hearing.statuses(name).get(number)
        return status if status and status.state == pb.MODEL_STATE_FAILED else None

    return wait_until(refused, WITHIN_S, world.hearing.service.log_tail)


def cpu_share(replica: Replica, *, over_s: float) -> float:
    """Of one core, spent by a replica."""
    assert replica.service.process is not None
    process = psutil.Process(replica.service.process.pid)
    before = process.cpu_times()
    time.sleep(over_s)
    after = process.cpu_times()
    return (after.user + after.system - before.user - before.system) / over_s


def test_what_was_cleared_and_deleted_is_heard_and_answers_no_longer(world: World):
    version = world.register("gone", world.models.bundle("gone-1", seed=12))
    world.serve("gone", version)
    world.clear("gone")
    for replica in world.replicas:
        wait_until(lambda replica=replica: not replica.serves("gone"), WITHIN_S, replica.service.log_tail)
        assert replica.serves(f"gone@{version}"), "a version that no alias names is still a version"
    world.delete("gone", version)
    for replica in world.replicas:
        wait_until(lambda replica=replica: not replica.serves(f"gone@{version}"), WITHIN_S, replica.service.log_tail)


def test_a_replica_that_the_bus_has_forgotten_still_follows(world: World):
    versions = [world.register("deaf", world.models.bundle(f"deaf-{seed}", seed=seed)) for seed in (8, 9)]
    world.serve("deaf", versions[0])
    time.sleep(1.5)  # an earlier promotion may have shown this one: its own event is heard, too, before the silence

    async def forget() -> int:
        async with connection(world.servers.record.bus_url(ADMIN)) as admin:
            js = admin.jetstream()
            heard = [
                one.name
                for one in await js.consumers_info("CATALOGUE")
                if one.config.filter_subject == "model.promoted" and not one.config.durable_name
            ]
            for consumer in heard:
                await js.delete_consumer("CATALOGUE", consumer)
            return len(heard)

    # Those of replicas that were killed are still there for a minute.
    assert asyncio.run(forget()) >= 2, "each replica had a consumer of its own"
    world.promote("deaf", versions[1])
    wait_until(lambda: world.looking.speaks("deaf") == versions[1], WITHIN_S, world.looking.service.log_tail)
    assert world.hearing.speaks("deaf") == versions[0], "which shows that looking did it"
    assert cpu_share(world.hearing, over_s=2.0) < 0.2, "what cannot hear waits, and does not ask all the time"
    assert world.hearing.service.terminate() == 0
    world.hearing.service.start(ready=False)
    world.hearing.wait_ready()
    assert world.hearing.speaks("deaf") == versions[1], "ready means that the aliases were followed"
