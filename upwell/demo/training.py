"""The steps that every story has: ask for training, watch it, promote, and look where the model came from."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Mapping
from typing import Any

from upwell.cli.lineage import lineage_tree
from upwell.cli.output import version_name
from upwell.cli.watching import show_run
from upwell.client.failures import in_sentences
from upwell.client.waiting import until
from upwell.demo import publish_request
from upwell.demo.stage import Stage
from upwell.errors import ToolError
from upwell.infer.v1 import infer_service_pb2
from upwell.lineage.graph import piece_of
from upwell.registry.v1 import registry_service_pb2

ALIAS = "champion"
# Every wait of the demo: generous, because two cores may be busy with other things.
WITHIN_S = 180.0
# Numbers of one month ahead, two months ahead, ...: too many for a line.
PER_LEAD = "_lead_"


async def publish_training(stage: Stage, request: Mapping[str, Any]) -> str:
    """Publish `train.requested` without Upwell, and find the run that svc_train records of it."""
    model = str(request["model"])
    stage.narrator.say(f"train.requested {json.dumps(request)}")
    known = {run.run_id for run in await stage.upwell.train.runs(model=model)}
    place = await _publish_without_upwell(stage.nats_url, "train.requested", request)
    stage.narrator.say(f"JetStream has it: number {place} in its stream")

    async def recorded() -> str | None:
        runs = await stage.upwell.train.runs(model=model)
        return next((run.run_id for run in runs if run.run_id not in known), None)

    run_id = await until(recorded, within_s=WITHIN_S, what="The record of the run")
    stage.narrator.say(f"svc_train has recorded run {run_id}")
    return run_id


async def watch(stage: Stage, run_id: str) -> registry_service_pb2.ModelVersion:
    """Train, and wait for the model's number."""
    run = await show_run(stage.upwell, run_id)
    shown = {name: value for name, value in sorted(run.metrics.items()) if PER_LEAD not in name}
    stage.narrator.say("held-out split: " + ", ".join(f"{name} {value:.3g}" for name, value in shown.items()))
    version = await until(
        lambda: stage.upwell.registry.trained_model(run_id), within_s=WITHIN_S, what="The model's number"
    )
    stage.narrator.say(f"registered as {version_name(version.ref)}")
    return version


async def promote(stage: Stage, version: registry_service_pb2.ModelVersion) -> None:
    """Serve."""
    stage.narrator.step(
        "Promote",
        "The alias moves; every svc_infer hears it, verifies each digest, replays the certificate, switches.",
    )
    model = version.ref.name
    await stage.upwell.registry.promote(model, version=version.ref.version, alias=ALIAS, reason="upwell demo")

    async def serving() -> infer_service_pb2.ModelStatus | None:
        for status in await stage.upwell.infer.status():
            if status.model.run_id == version.ref.run_id:
                _raise_if_refused(status)
                if status.state == infer_service_pb2.MODEL_STATE_READY and ALIAS in status.aliases:
                    return status
        return None

    await until(serving, within_s=WITHIN_S, what=f"{version_name(version.ref)} being served")
    stage.narrator.say(f"{model}:{ALIAS} is {version_name(version.ref)}, served")


async def show_lineage(stage: Stage, version: registry_service_pb2.ModelVersion) -> None:
    """What came from what."""
    stage.narrator.step("Lineage", f"What {version_name(version.ref)} was made from, at any depth, in one query.")
    graph = await stage.upwell.lineage.ancestors(version_name(version.ref))
    stage.narrator.show(lineage_tree(piece_of(graph.root, graph.nodes, graph.edges), up=True))


def _raise_if_refused(status: infer_service_pb2.ModelStatus) -> None:
    if status.state == infer_service_pb2.MODEL_STATE_FAILED:
        raise ToolError(f"{version_name(status.model)} was refused: {in_sentences(status.failure)}")


async def _publish_without_upwell(url: str, subject: str, body: Mapping[str, Any]) -> str:
    """Run the small program; what it prints."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        publish_request.__file__,
        url,
        subject,
        json.dumps(body),
        stdout=asyncio.subprocess.PIPE,
    )
    printed, _ = await process.communicate()
    if process.returncode != 0:
        raise ToolError(f"{subject} could not be published.")
    return printed.decode().strip()
