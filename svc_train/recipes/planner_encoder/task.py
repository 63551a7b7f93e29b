"""How an encoder learns: the base has to say what a configuration is, given nothing but the embedding of it."""

# ruff: noqa: N803, N806, N815 - names end in their shape, in capitals

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from shared.modeling.planner_encoder.network import PlannerEncoder
from shared.modeling.planner_encoder.tensors import IGNORED, pad, said
from shared.planning.profile import Profile
from svc_train.recipes.planner_encoder.config import PlannerEncoderConfig
from svc_train.recipes.training.knobs import BFLOAT16
from svc_train.recipes.training.task import TensorBatch, Watched

WATCHED = Watched(name="reconstructed", larger_is_better=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class EncoderBatch(TensorBatch):
    """Configurations and the tokens of what is to be said of them.

    Args:
        tool_ids_B: int64.
        numbers_BM: float32, as the profile has them.
        targets_BL: int64, `IGNORED` behind the end.
        weights: tokens that are to be said.
    """

    tool_ids_B: Tensor
    numbers_BM: Tensor
    targets_BL: Tensor
    weights: tuple[float, ...]
    tokens: int


@dataclass(frozen=True, slots=True, kw_only=True)
class EncoderTask:
    """See `Task`. Examples are config_ids.

    Args:
        rows: the tokens of each configuration's description, by config_id.
        held: config_ids that it is evaluated on. They are learnt, too: what counts is how much is remembered.
    """

    network: PlannerEncoder
    config: PlannerEncoderConfig
    profile: Profile
    rows: Sequence[Sequence[int]]
    held: Sequence[int]

    @property
    def watched(self) -> Watched | None:
        """The share of descriptions that are regenerated exactly."""
        return WATCHED

    def collate(self, examples: Sequence[int]) -> EncoderBatch:
        """A batch on the CPU."""
        targets_BL = pad([self.rows[config_id] for config_id in examples])
        tokens = int((targets_BL != IGNORED).sum())
        return EncoderBatch(
            tool_ids_B=torch.from_numpy(self.profile.tool_ids[examples]).long(),
            numbers_BM=torch.from_numpy(self.profile.numbers[examples]).float(),
            targets_BL=targets_BL,
            weights=(tokens,),
            tokens=tokens,
        )

    def loss(self, batch: EncoderBatch, totals: Sequence[float]) -> Tensor:
        """The cross-entropy of the descriptions' tokens; the numbers are off by up to `jitter`."""
        off_BM = torch.rand_like(batch.numbers_BM) * 2 - 1
        numbers_BM = batch.numbers_BM * (1 + self.config.jitter * off_BM)
        return _summed(self._logits(batch, numbers_BM), batch.targets_BL) / max(totals[0], 1)

    def evaluate(self) -> Mapping[str, float]:
        """`reconstructed`, the share of descriptions regenerated exactly; `eval_loss` and `token_accuracy`."""
        exact, right, tokens, loss = 0, 0, 0, 0.0
        for batch, logits_BLV in self.look():
            is_said_BL = said(logits_BLV, batch.targets_BL)
            exact += int(is_said_BL.all(1).sum())
            right += int(is_said_BL[batch.targets_BL != IGNORED].sum())
            tokens += batch.tokens
            loss += float(_summed(logits_BLV, batch.targets_BL))
        return {
            "reconstructed": exact / len(self.held),
            "token_accuracy": right / tokens,
            "eval_loss": loss / tokens,
        }

    @torch.inference_mode()
    def look(self) -> Iterator[tuple[EncoderBatch, Tensor]]:
        """What the network says of the held configurations, without jitter: batches and logits [B, L, V]."""
        device, size = self.network.names_GH.device, self.config.batch_size
        for start in range(0, len(self.held), size):
            batch = self.collate(self.held[start : start + size]).to(device)
            with torch.autocast(device.type, torch.bfloat16, enabled=self.config.precision == BFLOAT16):
                yield batch, self._logits(batch, batch.numbers_BM)

    def _logits(self, batch: EncoderBatch, numbers_BM: Tensor) -> Tensor:
        embeddings_BH = self.network.embed(batch.tool_ids_B, numbers_BM)
        return self.network.logits(embeddings_BH, batch.targets_BL.clamp_min(0))


def _summed(logits_BLV: Tensor, targets_BL: Tensor) -> Tensor:
    return nn.functional.cross_entropy(
        logits_BLV.flatten(0, 1).float(), targets_BL.flatten(), ignore_index=IGNORED, reduction="sum"
    )
