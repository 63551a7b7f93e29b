"""How a planner learns: plans to batches, and the loss of the tool and the configuration it names."""

# ruff: noqa: N815 - names end in their shape, in capitals

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from shared.modeling.planner.network import PlannerLM
from shared.modeling.planner.predictor import PlannerPredictor
from shared.modeling.planner.spec import PlannerSpec
from shared.modeling.planner.tensors import PlanBatch, encode_plans
from svc_train.recipes.planner.config import PlannerConfig
from svc_train.recipes.planner.data import LabelledPlan, PlanData
from svc_train.recipes.planner.evaluate import evaluate
from svc_train.recipes.training.knobs import BFLOAT16
from svc_train.recipes.training.task import TensorBatch, Watched

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

WATCHED = Watched(name="config_accuracy", larger_is_better=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelledBatch(TensorBatch):
    """Plans as the network reads them, and their tools and configurations: int64 [B]; `weights` counts the plans."""

    plans: PlanBatch
    tools_B: Tensor
    configs_B: Tensor
    weights: tuple[float, ...]
    tokens: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannerTask:
    """See `Task`.

    Args:
        predictor: the network as it will serve; evaluation goes through it.
    """

    network: PlannerLM
    predictor: PlannerPredictor
    tokenizer: PreTrainedTokenizerBase
    spec: PlannerSpec
    config: PlannerConfig
    data: PlanData

    @property
    def watched(self) -> Watched | None:
        """The share of right configurations."""
        return WATCHED if self.data.held_out else None

    def collate(self, examples: Sequence[LabelledPlan]) -> LabelledBatch:
        """A batch on the CPU."""
        plans = encode_plans([one.asked for one in examples], self.spec, self.tokenizer)
        return LabelledBatch(
            plans=plans,
            tools_B=torch.tensor([one.tool_id for one in examples]),
            configs_B=torch.tensor([one.config_id for one in examples]),
            weights=(float(len(examples)),),
            tokens=plans.tokens + self.spec.prefix * len(examples),
        )

    def loss(self, batch: LabelledBatch, totals: Sequence[float]) -> Tensor:
        """Cross-entropy of the tools plus lambda times that of the configurations, as means over the step's plans."""
        logits = self.network(batch.plans)
        tools = nn.functional.cross_entropy(logits.tool_BG.float(), batch.tools_B, reduction="sum")
        configs = nn.functional.cross_entropy(logits.config_BN.float(), batch.configs_B, reduction="sum")
        loss: Tensor = (tools + self.config.config_weight * configs) / max(totals[0], 1)
        return loss

    def evaluate(self) -> Mapping[str, float]:
        """See `evaluate.evaluate`."""
        device = self.network.decoder.device.type
        with torch.autocast(device, torch.bfloat16, enabled=self.config.precision == BFLOAT16):
            return evaluate(self.predictor, self.data.held_out, self.data.demand)
