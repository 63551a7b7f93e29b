"""Attention over space and over time, one after the other, and what it knows of place and time.

Divided space-time attention is that of TimeSformer (Bertasius et al., "Is Space-Time Attention All You Need for Video
Understanding?", ICML 2021).

Shape suffixes: N = sequences, Q = tokens that ask, S = tokens that are asked, D = size of a token; B = windows,
T = months, P = patches.
"""

# ruff: noqa: N803, N806 - names end in their shape, in capitals

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

# The slowest wave of the positional encoding; longer than any history together with any horizon.
LONGEST_PERIOD = 240.0


class Attention(nn.Module):
    """Multi-head attention; what is asked can be given as tokens, or as keys and values kept from before."""

    def __init__(self, *, size: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.heads = heads
        self.dropout = dropout
        self.query, self.key_value = nn.Linear(size, size), nn.Linear(size, 2 * size)
        self.out = nn.Linear(size, size)

    def keys_and_values(self, tokens_NSD: Tensor) -> Tensor:
        """[2, N, heads, S, D / heads]."""
        return self.key_value(tokens_NSD).unflatten(2, (2, self.heads, -1)).permute(2, 0, 3, 1, 4)

    def forward(self, tokens_NQD: Tensor, kept: Tensor, allowed_NQS: Tensor | None = None) -> Tensor:
        """[N, Q, D]: what the tokens learn from those whose keys and values are given; `allowed` says from which."""
        query = self.query(tokens_NQD).unflatten(2, (self.heads, -1)).transpose(1, 2)
        mask = None if allowed_NQS is None else allowed_NQS.unsqueeze(1)
        dropout = self.dropout if self.training else 0.0
        heard = nn.functional.scaled_dot_product_attention(query, kept[0], kept[1], attn_mask=mask, dropout_p=dropout)
        out: Tensor = self.out(heard.transpose(1, 2).flatten(2))
        return out

    def among(self, tokens_NSD: Tensor, allowed_NSS: Tensor) -> Tensor:
        """[N, S, D]: what the tokens learn from one another."""
        return self(tokens_NSD, self.keys_and_values(tokens_NSD), allowed_NSS)


class FeedForward(nn.Sequential):
    """What each token makes of what it learnt."""

    def __init__(self, *, size: int, dropout: float) -> None:
        super().__init__(
            nn.LayerNorm(size),
            nn.Linear(size, 2 * size),
            nn.GELU(),
            nn.Dropout(dropout),
            nn.Linear(2 * size, size),
            nn.Dropout(dropout),
        )


def allowed(present_NS: Tensor) -> Tensor:
    """[N, S, S]: each token may hear those present, and itself: a token that hears nobody has no answer."""
    oneself = torch.eye(present_NS.shape[1], dtype=torch.bool, device=present_NS.device)
    return present_NS.unsqueeze(1) | oneself


def waves(positions: Tensor, size: int) -> Tensor:
    """[..., size]: sine and cosine of a position in months, for any number of months (Vaswani et al., 2017)."""
    steps = torch.arange(size // 2, device=positions.device)
    angular = 2 * math.pi / (2 * (LONGEST_PERIOD / 2) ** (steps / max(size // 2 - 1, 1)))
    angles = positions.unsqueeze(-1) * angular
    return torch.cat([angles.sin(), angles.cos()], dim=-1)


def to_space(tokens_BTPD: Tensor) -> Tensor:
    """[B x T, P, D]: one sequence a month."""
    return tokens_BTPD.flatten(0, 1)


def to_time(tokens_BTPD: Tensor) -> Tensor:
    """[B x P, T, D]: one sequence a place."""
    return tokens_BTPD.transpose(1, 2).flatten(0, 1)
