"""Logits to choices: the configuration always belongs to the tool.

Shape suffixes: B = plans, G = tools, N = configurations.
"""

# ruff: noqa: N803, N806 - names end in their shape, in capitals

from __future__ import annotations

from torch import Tensor

from shared.modeling.planner.network import PlanLogits

NEVER = float("-inf")


def best_configs(logits: PlanLogits, tool_of_N: Tensor) -> Tensor:
    """int64 [B]: the likeliest tool's likeliest configuration; those of other tools count as -inf.

    Args:
        logits: finite ones.
        tool_of_N: int64, whose each configuration is; every tool has one at least.
    """
    tool_B = logits.tool_BG.argmax(-1)
    return logits.config_BN.masked_fill(tool_of_N[None] != tool_B[:, None], NEVER).argmax(-1)


def probabilities(logits: PlanLogits, tool_of_N: Tensor) -> Tensor:
    """float64 [B, N]: of each tool, times of each configuration among those of its tool; a row adds up to 1."""
    config_BN = logits.config_BN.double()
    chances_BN = logits.tool_BG.double().softmax(-1)[:, tool_of_N]
    for tool_id in range(logits.tool_BG.shape[1]):
        is_own_N = tool_of_N == tool_id
        chances_BN[:, is_own_N] *= config_BN[:, is_own_N].softmax(-1)
    return chances_BN


def runner_up(chances_N: Tensor, config_id: int) -> int | None:
    """The likeliest of all other configurations, of whatever tool; None where there is no other."""
    if len(chances_N) == 1:
        return None
    others_N = chances_N.clone()
    others_N[config_id] = NEVER
    return int(others_N.argmax())
