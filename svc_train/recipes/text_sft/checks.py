"""What is proved before the first step: packed conversations do not see each other, and adapters get gradients."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from shared.modeling.text.network import summed_loss
from shared.modeling.text.packing import Pack, make_rows
from svc_train.recipes.failure import TrainingFailedError
from svc_train.recipes.text_sft.task import TextTask
from svc_train.recipes.training.optimizer import trained

# A conversation that sees another one changes its loss by far more; rounding in float32 by far less.
TOLERANCE = 1e-3


@torch.inference_mode()
def check_isolated(task: TextTask, rows: Sequence[Pack]) -> None:
    """TrainingFailedError when a packed row has another loss than its conversations have alone."""
    shared = min((row for row in rows if len(row) > 1), key=lambda row: sum(len(one) for one in row), default=None)
    if shared is None:
        return
    network = task.network
    network.train(mode=False)
    device = network.device
    together = float(summed_loss(network, task.collate([shared]).to(device).rows))
    alone = sum(float(summed_loss(network, task.collate([(one,)]).to(device).rows)) for one in shared)
    if abs(together - alone) > TOLERANCE * max(abs(alone), 1):
        raise TrainingFailedError(
            cause="packing_leaks",
            reason=f"This network does not keep packed conversations apart: loss {together:.4f}, alone {alone:.4f}.",
            remedy="Set packing to false.",
        )


def check_learns(task: TextTask, rows: Sequence[Pack]) -> None:
    """TrainingFailedError when, after the network was evaluated once, nothing that is trained gets a gradient.

    Quantised layers are known to do that, with only a warning. The random state and the gradients stay as they were.
    """
    network, row = task.network, make_rows(rows[:1])
    batch = task.collate(rows[:1]).to(network.device)
    devices = [network.device] if network.device.type == "cuda" else []
    with torch.random.fork_rng(devices=devices):
        network.train(mode=False)
        with torch.no_grad():
            summed_loss(network, batch.rows)
        network.train()
        (summed_loss(network, batch.rows) / max(row.taught, 1)).backward()  # type: ignore[no-untyped-call]
    moved = any(p.grad is not None and bool(p.grad.any()) for p in trained(network).values())
    network.zero_grad(set_to_none=True)
    if not moved:
        raise TrainingFailedError(
            cause="no_gradients",
            reason="The adapters get no gradient after an evaluation: nothing would be learnt.",
            remedy="Use method=lora.",
        )
