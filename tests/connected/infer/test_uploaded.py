"""A model version that somebody uploaded is served like one that a run made."""

from __future__ import annotations

import asyncio
import shutil

import pytest

from shared.modeling.bundle import LORA
from tests.connected.infer.world import World
from upwell.client import Connection, Upwell

pytestmark = [pytest.mark.connected, pytest.mark.heavy]


def test_an_uploaded_bundle_answers_on_every_replica(world: World) -> None:
    made = world.models.bundle("to-upload", method=LORA, seed=3)
    folder = world.root / "uploaded"
    shutil.copytree(world.root / "bundle-to-upload", folder)
    world.announce_base(made.base.name, made.base.digest)

    async def push():
        async with Upwell.connect(Connection.from_environment(world.servers.client_environment)) as upwell:
            return await upwell.artifacts.push_model(folder, name="uploaded")

    version = asyncio.run(push())
    assert (version.ref.version, version.base.digest) == (1, made.base.digest)
    for replica in world.replicas:
        assert replica.speaks("uploaded@1") == 1
