"""Loss curves of model versions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from upwell.client.client import Upwell
from upwell.errors import UpwellClientError
from upwell.registry.v1 import history_service_pb2, registry_service_pb2

# Under which of these an imported training says its last loss; the first that is there counts.
LOSSES = ("loss", "train_loss", "training_loss", "final_loss", "eval_loss", "eval.loss")


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """A version's loss by step. `start` is where its training began in its chain; `points` count from there.

    `source` says what the points are: every step that was told, or the one figure that an imported file gives.
    """

    name: str
    start: int
    points: Sequence[tuple[int, float]]
    source: str


async def loss_curves(upwell: Upwell, compared: history_service_pb2.CompareModelsResponse) -> Sequence[Curve]:
    """One a version, in their order; without points where nobody knows its loss."""
    return [
        await _curve(upwell, version, start)
        for version, start in zip(compared.models, compared.steps_before, strict=True)
    ]


async def _curve(upwell: Upwell, version: registry_service_pb2.ModelVersion, start: int) -> Curve:
    name = f"{version.ref.name}@{version.ref.version}"
    points = await run_losses(upwell, version.ref.run_id) if version.recipe else []
    if points:
        return Curve(name=name, start=start, points=points, source="every step")
    loss = next((version.metrics[key] for key in LOSSES if key in version.metrics), None)
    if loss is None:
        return Curve(name=name, start=start, points=(), source="unknown")
    return Curve(name=name, start=start, points=[(version.total_steps, loss)], source="at its end")


async def run_losses(upwell: Upwell, run_id: str) -> Sequence[tuple[int, float]]:
    """(step, loss) of every step of a run; nothing where svc_train does not know the run."""
    try:
        return [(metric.step, metric.value) async for metric in upwell.train.metrics(run_id, names=["loss"])]
    except UpwellClientError as error:
        if error.code != "NOT_FOUND":
            raise
        return []
