"""The layers of a Geoformer: fields to tokens, and what encoder and decoder do with them.

Shape suffixes: see `network.py`; N = sequences that are heard alone, one a month or one a place.
"""

# ruff: noqa: N803, N806 - names end in their shape, in capitals

from __future__ import annotations

import torch
from torch import Tensor, nn

from shared.modeling.geoformer.attention import Attention, FeedForward, allowed, to_space, to_time
from shared.modeling.geoformer.patches import to_patches
from shared.modeling.geoformer.spec import GeoformerSpec


class PatchEmbedding(nn.Module):
    """Fields to tokens; what is not known changes nothing."""

    def __init__(self, spec: GeoformerSpec) -> None:
        super().__init__()
        self.spec = spec
        channels, rows, columns = len(spec.channels), *spec.patch
        self.linear = nn.Linear(2 * channels * rows * columns, spec.d_model)

    def forward(self, scaled_BTCYX: Tensor, known_BTCYX: Tensor) -> Tensor:
        """[B, T, P, D]."""
        both = torch.cat([to_patches(scaled_BTCYX, self.spec), to_patches(known_BTCYX.float(), self.spec)], dim=3)
        tokens_BTPD: Tensor = self.linear(both)
        return tokens_BTPD


class EncoderLayer(nn.Module):
    """Space, time, thought."""

    def __init__(self, spec: GeoformerSpec, dropout: float) -> None:
        super().__init__()
        self.space_norm, self.time_norm = nn.LayerNorm(spec.d_model), nn.LayerNorm(spec.d_model)
        self.space = Attention(size=spec.d_model, heads=spec.heads, dropout=dropout)
        self.time = Attention(size=spec.d_model, heads=spec.heads, dropout=dropout)
        self.feed_forward = FeedForward(size=spec.d_model, dropout=dropout)

    def forward(self, tokens_BTPD: Tensor, present_BTP: Tensor) -> Tensor:
        """[B, T, P, D]."""
        batch, months, patches, _ = tokens_BTPD.shape
        spatial = self.space.among(to_space(self.space_norm(tokens_BTPD)), allowed(present_BTP.flatten(0, 1)))
        tokens_BTPD = tokens_BTPD + spatial.reshape(batch, months, patches, -1)
        present_NT = present_BTP.transpose(1, 2).flatten(0, 1)
        temporal = self.time.among(to_time(self.time_norm(tokens_BTPD)), allowed(present_NT))
        tokens_BTPD = tokens_BTPD + temporal.reshape(batch, patches, months, -1).transpose(1, 2)
        out_BTPD: Tensor = tokens_BTPD + self.feed_forward(tokens_BTPD)
        return out_BTPD


class DecoderLayer(nn.Module):
    """One month ahead at a time: the leads before it, the months of history, space, thought."""

    def __init__(self, spec: GeoformerSpec, dropout: float) -> None:
        super().__init__()
        size, heads = spec.d_model, spec.heads
        self.norms = nn.ModuleList(nn.LayerNorm(size) for _ in range(3))
        self.time = Attention(size=size, heads=heads, dropout=dropout)
        self.history = Attention(size=size, heads=heads, dropout=dropout)
        self.space = Attention(size=size, heads=heads, dropout=dropout)
        self.feed_forward = FeedForward(size=size, dropout=dropout)

    def remember(self, memory_BTPD: Tensor) -> Tensor:
        """The keys and values of the history, which are the same for every lead."""
        return self.history.keys_and_values(to_time(memory_BTPD))

    def forward(
        self, tokens_BPD: Tensor, leads: Tensor | None, history: Tensor, heard_NT: Tensor, present_BP: Tensor
    ) -> tuple[Tensor, Tensor]:
        """The tokens [B, P, D] of this lead, and the keys and values of the leads up to it.

        Args:
            tokens_BPD: of this lead.
            leads: keys and values of the leads before it; None at the first.
            history: see `remember`.
            heard_NT: which months of history say something at each place [B x P, T].
            present_BP: which places are no land.
        """
        alone_N1D = self.norms[0](tokens_BPD).flatten(0, 1).unsqueeze(1)
        new = self.time.keys_and_values(alone_N1D)
        leads = new if leads is None else torch.cat([leads, new], dim=3)
        tokens_BPD = tokens_BPD + self.time(alone_N1D, leads).reshape(tokens_BPD.shape)
        asking_N1D = self.norms[1](tokens_BPD).flatten(0, 1).unsqueeze(1)
        told_N1D = self.history(asking_N1D, history, heard_NT.unsqueeze(1))
        tokens_BPD = tokens_BPD + told_N1D.reshape(tokens_BPD.shape)
        tokens_BPD = tokens_BPD + self.space.among(self.norms[2](tokens_BPD), allowed(present_BP))
        tokens_BPD = tokens_BPD + self.feed_forward(tokens_BPD)
        return tokens_BPD, leads
