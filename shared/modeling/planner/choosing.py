"""Logits to choices: the configuration always belongs to the tool.

Shape suffixes: B = plans, G = tools, N = configurations.
"""

# ruff: noqa: N803, N806 - names end in their shape, in capitals

from __future__ import annotations

import torch
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
    config_BN, tool_BG = logits.config_BN.double(), logits.tool_BG.double()
    # A softmax over each tool's own configurations, for all tools at once.
    highest_BG = torch.full_like(tool_BG, NEVER).scatter_reduce(1, tool_of_N.expand_as(config_BN), config_BN, "amax")
    weights_BN = (config_BN - highest_BG[:, tool_of_N]).exp()
    sums_BG = torch.zeros_like(tool_BG).index_add(1, tool_of_N, weights_BN)
    return tool_BG.softmax(-1)[:, tool_of_N] * weights_BN / sums_BG[:, tool_of_N]


def likeliest(chances_N: Tensor, allowed_N: Tensor) -> int | None:
    """The likeliest of the configurations that are allowed; None where none is."""
    if not allowed_N.any():
        return None
    return int(chances_N.masked_fill(~allowed_N, NEVER).argmax())


def margin(logits: PlanLogits, chances_N: Tensor, allowed_N: Tensor) -> float:
    """By how much the choice of the tool and those of configurations are decided: the least lead over a second.

    Args:
        logits: of one plan.
        chances_N: its probabilities.
        allowed_N: bool: the configurations that were chosen from at last.
    """
    leads = [_lead(logits.tool_BG[0].double().softmax(-1)), _lead(chances_N), _lead(chances_N[allowed_N])]
    return min(leads)


def _lead(chances: Tensor) -> float:
    best = chances.topk(min(2, len(chances))).values.tolist()
    return float(best[0] - best[1]) if len(best) > 1 else 1.0
