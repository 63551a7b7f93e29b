"""SeriesLM: a causal language model that reads a window of a series forwards and backwards.

1. A patch encoder turns every patch of points into an embedding.
2. The embeddings stand at the `<ts>` place of a text prompt that keeps the window's mean and scale.
3. The language model reads prompt and patches twice: in time order, and with the patches in reverse order.
4. The segment head sees, for every patch, both hidden states and the patch itself, and gives logits for its points.

Patches as input tokens follow PatchTST (Nie et al., "A Time Series is Worth 64 Words", ICLR 2023); values as
embeddings inside a text prompt follow ChatTS (Xie et al., 2024); low-rank adapters are LoRA (Hu et al., 2021).

Shape suffixes: B = windows in the batch, P = patches in a window, K = points in a patch, T = P * K = points in a
window, F = features of a point, Q = tokens of the prompt, S = Q + P, H = hidden size of the language model,
L = labels, C = 1 + L outputs of a point (one score, then the labels; just the score where there is one label).
"""

# ruff: noqa: N803, N806, N815 - names end in their shape, in capitals

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import torch
from torch import Tensor, nn

from shared.modeling.series.spec import SeriesSpec
from shared.modeling.series.tensors import FEATURES, WindowBatch

if TYPE_CHECKING:
    from transformers import PreTrainedModel


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowLogits:
    """What the network says of each point: a score, and a label for the case that it belongs to a segment."""

    score_BT: Tensor
    label_BTL: Tensor


class PatchEncoder(nn.Module):
    """Patches to embeddings of the size and the magnitude that the language model's own tokens have."""

    def __init__(self, *, patch: int, hidden: int, magnitude: float) -> None:
        super().__init__()
        self.mlp = nn.Sequential(nn.Linear(patch * FEATURES, hidden), nn.GELU(), nn.Linear(hidden, hidden))
        self.norm = nn.LayerNorm(hidden)
        nn.init.constant_(self.norm.weight, magnitude)

    def forward(self, features_BPKF: Tensor) -> Tensor:
        """[B, P, H]."""
        embeddings_BPH: Tensor = self.norm(self.mlp(features_BPKF.flatten(2)))
        return embeddings_BPH


class SegmentHead(nn.Module):
    """Both hidden states of a patch, and the patch itself, to logits of its points."""

    def __init__(self, *, patch: int, hidden: int, outputs: int, dropout: float) -> None:
        super().__init__()
        self.patch = patch
        self.dropout = nn.Dropout(dropout)
        self.forward_norm, self.backward_norm = nn.LayerNorm(hidden), nn.LayerNorm(hidden)
        self.mlp = nn.Sequential(
            nn.Linear(2 * hidden + patch * FEATURES, hidden), nn.GELU(), nn.Linear(hidden, patch * outputs)
        )

    def forward(self, forward_BPH: Tensor, backward_BPH: Tensor, features_BPKF: Tensor) -> Tensor:
        """[B, T, C]."""
        joined = torch.cat(
            [self.forward_norm(forward_BPH), self.backward_norm(backward_BPH), features_BPKF.flatten(2)], dim=2
        )
        logits_BTC: Tensor = self.mlp(self.dropout(joined)).unflatten(2, (self.patch, -1)).flatten(1, 2)
        return logits_BTC


class SeriesLM(nn.Module):
    """See the module. `decoder` is the language model without its vocabulary head, of any architecture.

    `dropout` is the share of the segment head's inputs that training ignores.
    """

    def __init__(self, decoder: PreTrainedModel, spec: SeriesSpec, *, dropout: float = 0.0) -> None:
        super().__init__()
        self.decoder = decoder
        hidden = decoder.config.hidden_size
        tokens_VH = self._token_embedding.weight.detach().float()
        self.encoder = PatchEncoder(patch=spec.patch, hidden=hidden, magnitude=float(tokens_VH.square().mean().sqrt()))
        # One label needs no choice: the score alone says it.
        self.labels = len(spec.labels) if len(spec.labels) > 1 else 0
        self.head = SegmentHead(patch=spec.patch, hidden=hidden, outputs=1 + self.labels, dropout=dropout)

    def forward(self, batch: WindowBatch) -> WindowLogits:
        """Logits of every point of every window, also of those that are padding."""
        patches_BPH = self.encoder(batch.features_BPKF)
        prompt_BQH = self._token_embedding(batch.prompt_ids_BQ)
        forward_BPH, backward_BPH = self._read_both_ways(prompt_BQH, patches_BPH, batch)
        logits_BTC = self.head(forward_BPH, backward_BPH, batch.features_BPKF)
        return WindowLogits(score_BT=logits_BTC[..., 0], label_BTL=logits_BTC[..., 1:])

    @property
    def _token_embedding(self) -> nn.Embedding:
        return cast("nn.Embedding", self.decoder.get_input_embeddings())

    def _read_both_ways(self, prompt_BQH: Tensor, patches_BPH: Tensor, batch: WindowBatch) -> tuple[Tensor, Tensor]:
        """The hidden states over each patch after what came before it, and after what comes behind it."""
        patches_BPH = patches_BPH.to(prompt_BQH.dtype)
        embeddings_BSH = torch.cat(
            [
                torch.cat([prompt_BQH, patches_BPH], dim=1),
                torch.cat([prompt_BQH, patches_BPH.flip(1)], dim=1),
            ]
        )
        mask_BS = torch.cat(
            [
                torch.cat([batch.prompt_mask_BQ, batch.present_BP], dim=1),
                torch.cat([batch.prompt_mask_BQ, batch.present_BP.flip(1)], dim=1),
            ]
        ).long()
        hidden_BSH = self.decoder(
            inputs_embeds=embeddings_BSH,
            attention_mask=mask_BS,
            # Padding takes no position: a window means the same beside a longer prompt as alone.
            position_ids=(mask_BS.cumsum(1) - 1).clamp_min(0),
            use_cache=False,
        ).last_hidden_state
        read_BPH = hidden_BSH[:, prompt_BQH.shape[1] :].float()
        forward_BPH, backward_BPH = read_BPH.chunk(2)
        return forward_BPH, backward_BPH.flip(1)
