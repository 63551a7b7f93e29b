"""From a Geoformer's tokens to embeddings of the language model: linear, MLP or resampler.

A projection of encoder tokens into the language model's embeddings, linear or by an MLP, is LLaVA's (Liu et al.,
"Visual Instruction Tuning", 2023; "Improved Baselines with Visual Instruction Tuning", 2024); a fixed number of
queries that attend to all of them is the Perceiver resampler of Flamingo (Alayrac et al., 2022).

Shape suffixes: F = samples, T = months, P = patches, S = T x P, D = size of a Geoformer token, G = embeddings of a
month, N = embeddings of a sample, H = hidden size of the language model.
"""

# ruff: noqa: N803, N806 - names end in their shape, in capitals

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import cast

import torch
from torch import Tensor, nn

from shared.modeling.ocean_chat.spec import HEADS, LINEAR, RESAMPLER, OceanChatSpec

LOWEST = -1e4


class Adapter(nn.Module, ABC):
    """What all three share: the size and the magnitude that the language model's own embeddings have."""

    def __init__(self, *, hidden: int, magnitude: float) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(hidden)
        nn.init.constant_(self.norm.weight, magnitude)

    @abstractmethod
    def forward(self, tokens_FTPD: Tensor, present_FTP: Tensor) -> Tensor:
        """[F, places, H]; the places of one month behind those of the month before, so far as months have places.

        Args:
            tokens_FTPD: in the order of `Geoformer.encode`; anything where not present.
            present_FTP: False for patches without anything known, and for months that only fill up the batch.
        """


class MonthAdapter(Adapter):
    """`linear` and `mlp`: G weighted means over a month's patches, whose weights are learnt, each projected alone."""

    def __init__(self, spec: OceanChatSpec, *, hidden: int, magnitude: float) -> None:
        super().__init__(hidden=hidden, magnitude=magnitude)
        size = spec.geoformer.d_model
        self.weights_GP = nn.Parameter(_bands(spec.tokens, spec.geoformer.patches, spec.geoformer.patch_columns))
        if spec.adapter == LINEAR:
            self.project: nn.Module = nn.Linear(size, hidden)
        else:
            self.project = nn.Sequential(nn.Linear(size, hidden), nn.GELU(), nn.Linear(hidden, hidden))

    def forward(self, tokens_FTPD: Tensor, present_FTP: Tensor) -> Tensor:
        """[F, T x G, H]."""
        scores_FTGP = self.weights_GP.expand(*present_FTP.shape[:2], -1, -1)
        # Not minus infinity: a month without anything known would have no gradient but NaN.
        weights_FTGP = scores_FTGP.masked_fill(~present_FTP.unsqueeze(2), LOWEST).softmax(-1)
        means_FTGD = weights_FTGP @ tokens_FTPD
        embeddings_FSH: Tensor = self.norm(self.project(means_FTGD)).flatten(1, 2)
        return embeddings_FSH


class Resampler(Adapter):
    """`resampler`: N learnt queries attend to the tokens of all months and patches."""

    def __init__(self, spec: OceanChatSpec, *, hidden: int, magnitude: float) -> None:
        super().__init__(hidden=hidden, magnitude=magnitude)
        size = spec.geoformer.d_model
        self.queries_ND = nn.Parameter(torch.randn(spec.tokens, size))
        self.attention = nn.MultiheadAttention(size, HEADS, batch_first=True)
        self.project = nn.Sequential(nn.Linear(size, hidden), nn.GELU(), nn.Linear(hidden, hidden))

    def forward(self, tokens_FTPD: Tensor, present_FTP: Tensor) -> Tensor:
        """[F, N, H]."""
        tokens_FSD, absent_FS = tokens_FTPD.flatten(1, 2), ~present_FTP.flatten(1)
        queries_FND = self.queries_ND.expand(len(tokens_FSD), -1, -1)
        heard_FND, _ = self.attention(
            queries_FND, tokens_FSD, tokens_FSD, key_padding_mask=absent_FS, need_weights=False
        )
        embeddings_FNH: Tensor = self.norm(self.project(heard_FND + queries_FND))
        return embeddings_FNH


def make_adapter(spec: OceanChatSpec, *, hidden: int, magnitude: float) -> Adapter:
    """The untrained adapter that the spec names."""
    kind = Resampler if spec.adapter == RESAMPLER else MonthAdapter
    return cast("Adapter", kind(spec, hidden=hidden, magnitude=magnitude))


def _bands(count: int, patches: int, columns: int) -> Tensor:
    """[G, P]: to begin with, each embedding looks at a band of longitudes, from west to east."""
    column_P = torch.arange(patches) % columns
    band_P = (column_P * count).div(columns, rounding_mode="floor")
    return 2.0 * (band_P == torch.arange(count)[:, None]).float()
