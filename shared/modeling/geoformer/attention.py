"""Attention over space and over time, one after the other, and what it knows of place and time.

Divided space-time attention is that of TimeSformer (Bertasius et al., "Is Space-Time Attention All You Need for Video
Understanding?", ICML 2021).

Shape suffixes: N = sequences, Q = tokens that ask, S = tokens that are asked, D = size of a token; B = windows,
T = months, P = patches.
"""

# ruff: noqa: N803 - names end in their shape, in capitals

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
        self.dropout = nn.Dropout(dropout)
        self.query, self.key_value = nn.Linear(size, size), nn.Linear(size, 2 * size)
        self.out = nn.Linear(size, size)

    def keys_and_values(self, tokens_NSD: Tensor) -> Tensor:
        """[2, N, heads, S, D / heads]."""
        both: Tensor = self.key_value(tokens_NSD)
        return both.reshape(*both.shape[:2], 2, self.heads, -1).permute(2, 0, 3, 1, 4)

    def forward(self, tokens_NQD: Tensor, kept: Tensor, allowed_NQS: Tensor | None = None) -> Tensor:
        """[N, Q, D]: what the tokens learn from those whose keys and values are given; `allowed` says from which."""
        query: Tensor = self.query(tokens_NQD)
        query = query.reshape(*query.shape[:2], self.heads, -1).transpose(1, 2)
        mask = None if allowed_NQS is None else allowed_NQS.unsqueeze(1)
        # Dropout inside the attention would keep its fast kernels from being used.
        heard = nn.functional.scaled_dot_product_attention(query, kept[0], kept[1], attn_mask=mask)
        out: Tensor = self.dropout(self.out(heard.transpose(1, 2).flatten(2)))
        return out

    def among(self, tokens_NSD: Tensor, allowed_NSS: Tensor) -> Tensor:
        """[N, S, D]: what the tokens learn from one another."""
        heard: Tensor = self(tokens_NSD, self.keys_and_values(tokens_NSD), allowed_NSS)
        return heard


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


class Season(nn.Module):
    """Tokens changed by the time of the year: the same anomaly means something else in spring than in autumn.

    The year is a wave and its first overtone, so that neighbouring months are alike. Gain and shift by a condition are
    those of FiLM (Perez et al., AAAI 2018).
    """

    def __init__(self, size: int) -> None:
        super().__init__()
        self.linear = nn.Linear(4, 2 * size)
        nn.init.normal_(self.linear.weight, std=0.1)
        nn.init.zeros_(self.linear.bias)

    def forward(self, tokens_NPD: Tensor, months_N: Tensor) -> Tensor:
        """The tokens of each month [..., P, D], whose calendar month is given [...]; 0 = January."""
        angles = 2 * math.pi * torch.stack([months_N, 2 * months_N], dim=-1) / 12
        gain, shift = self.linear(torch.cat([angles.sin(), angles.cos()], dim=-1)).unsqueeze(-2).chunk(2, dim=-1)
        changed: Tensor = tokens_NPD * (1 + gain) + shift
        return changed


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
