"""The planner's network: a causal language model that reads a system's state as a prefix and a task as text.

1. A temporal encoder, convolutions over time, turns the window of use into a few embeddings.
2. They stand in front of the task's tokens, behind the token that opens a text (see `Base.opening_id`); the language
   model, with low-rank adapters, reads all.
3. What it makes of the last token goes to a tool head and a config head.

A prefix of embeddings in front of the text follows prefix tuning (Li and Liang, "Prefix-Tuning", ACL 2021), a small
network between another modality and a frozen language model follows Frozen (Tsimpoukelli et al., NeurIPS 2021);
low-rank adapters are LoRA (Hu et al., 2021).

Shape suffixes: B = plans in the batch, T = times in a state, R = resources, C = channels, P = embeddings of the
prefix, Q = tokens of the prompt, S = 1 + P + Q, H = hidden size of the language model, G = tools, N = configurations,
F = factors, K = values of all factors together.
"""

# ruff: noqa: N803, N806, N815 - names end in their shape, in capitals

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from shared.modeling.planner.spec import FACTORISED, PlannerSpec
from shared.modeling.planner.tensors import PlanBatch
from shared.planning.profile import Profile
from shared.planning.values import RESOURCES

if TYPE_CHECKING:
    from transformers import PreTrainedModel


# The last time of a window, and where it goes on to.
ENDING = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanLogits:
    """What the network says of each plan: tools, and configurations of all tools."""

    tool_BG: Tensor
    config_BN: Tensor


class TemporalEncoder(nn.Module):
    """A window of use to embeddings of the size and the magnitude that the language model's own tokens have."""

    def __init__(self, spec: PlannerSpec, *, hidden: int, magnitude: float) -> None:
        super().__init__()
        self.bands = spec.bands
        self.convolutions = nn.Sequential(
            nn.Conv1d(len(RESOURCES) * (1 + 2 * spec.bands), spec.channels, kernel_size=3, padding=1),
            nn.GELU(),
            nn.Conv1d(spec.channels, spec.channels, kernel_size=3, padding=1),
            nn.GELU(),
        )
        # Each embedding of the prefix weighs the times in its own way; at first all look where the window ends.
        self.times = nn.Linear(spec.window + 1, spec.prefix)
        with torch.no_grad():
            self.times.weight[:, -ENDING:] += 1 / ENDING
        self.projector = nn.Sequential(nn.Linear(spec.channels, hidden), nn.GELU(), nn.Linear(hidden, hidden))
        self.norm = nn.LayerNorm(hidden)
        nn.init.constant_(self.norm.weight, magnitude)

    def forward(self, shares_BTR: Tensor) -> Tensor:
        """[B, P, H]."""
        with_next_BTR = torch.cat([shares_BTR, continuation(shares_BTR)], dim=1)
        read_BCT = self.convolutions(waves(with_next_BTR, self.bands).transpose(1, 2))
        prefix_BPH: Tensor = self.norm(self.projector(self.times(read_BCT).transpose(1, 2)))
        return prefix_BPH


def continuation(shares_BTR: Tensor) -> Tensor:
    """[B, 1, R]: the least-squares line through the window, one time on; of a single time that time again."""
    times = shares_BTR.shape[1]
    if times == 1:
        return shares_BTR
    centred_T = torch.arange(times, device=shares_BTR.device) - (times - 1) / 2
    weights_T = 1 / times + centred_T * ((times + 1) / 2) / centred_T.square().sum()
    return torch.einsum("btr,t->br", shares_BTR, weights_T)[:, None]


def waves(shares_BTR: Tensor, bands: int) -> Tensor:
    """[B, T, R * (1 + 2 * bands)]: the shares, and sines and cosines of them with ever shorter waves.

    Whether a configuration still fits turns on small differences, which a network sees late in plain numbers: Tancik
    et al., "Fourier Features Let Networks Learn High Frequency Functions" (NeurIPS 2020).
    """
    angles = [torch.pi * 2**band * shares_BTR for band in range(bands)]
    return torch.cat([shares_BTR, *(angle.sin() for angle in angles), *(angle.cos() for angle in angles)], dim=-1)


class ConfigHead(nn.Module):
    """Hidden states to logits of all configurations.

    `flat` has a row of weights for each configuration. `factorised` adds rows for the values of the numbers that a
    configuration is made of (input size, cores, ...): what is learnt of one configuration with 8 cores counts for all.
    """

    factors_NF: Tensor

    def __init__(self, profile: Profile, spec: PlannerSpec, *, hidden: int) -> None:
        super().__init__()
        self.flat = nn.Linear(hidden, len(profile.numbers))
        factors_NF, values = factors_of(profile)
        self.factors = nn.Linear(hidden, values) if spec.config_head == FACTORISED else None
        self.register_buffer("factors_NF", torch.from_numpy(factors_NF), persistent=False)
        if self.factors is not None:
            # The rows of single configurations begin at nothing: they say what the factors cannot.
            nn.init.zeros_(self.flat.weight)
            nn.init.zeros_(self.flat.bias)

    def forward(self, hidden_BH: Tensor) -> Tensor:
        """[B, N]."""
        logits_BN: Tensor = self.flat(hidden_BH)
        if self.factors is None:
            return logits_BN
        values_BK = self.factors(hidden_BH)
        joined_BN: Tensor = logits_BN + values_BK[:, self.factors_NF].sum(-1)
        return joined_BN

    @torch.no_grad()
    def start_from(self, weights_NH: Tensor) -> None:
        """Begin with what an encoder made of each configuration, at the scale of untrained weights.

        The mean over all rows is taken off: it changes no choice. A factor's row is the mean over its configurations.
        """
        centred_NH = weights_NH - weights_NH.mean(0)
        scaled_NH = centred_NH / (centred_NH.square().mean().sqrt() * (3 * weights_NH.shape[1]) ** 0.5)
        self.flat.weight.copy_(scaled_NH)
        self.flat.bias.zero_()
        if self.factors is not None:
            for value in range(self.factors.out_features):
                self.factors.weight[value] = scaled_NH[(self.factors_NF == value).any(1)].mean(0)
            self.factors.bias.zero_()


def factors_of(profile: Profile) -> tuple[NDArray[np.int64], int]:
    """int64 [N, F]: which value each configuration has of each number but the latency; and how many values there are.

    The values of all factors are counted through.
    """
    columns, values = [], 0
    for column in profile.numbers[:, :-1].T:
        found, places = np.unique(column, return_inverse=True)
        columns.append(places + values)
        values += len(found)
    return np.stack(columns, axis=1).astype(np.int64), values


class PlannerLM(nn.Module):
    """See the module.

    Args:
        decoder: the language model without its vocabulary head, of any architecture.
        opening_id: the base's `opening_id`.
    """

    def __init__(self, decoder: PreTrainedModel, profile: Profile, spec: PlannerSpec, *, opening_id: int) -> None:
        super().__init__()
        self.decoder = decoder
        self.opening_id = opening_id
        hidden = decoder.config.hidden_size
        tokens_VH = self._token_embedding.weight.detach().float()
        self.temporal = TemporalEncoder(spec, hidden=hidden, magnitude=float(tokens_VH.square().mean().sqrt()))
        self.tool_head = nn.Linear(hidden, len(profile.tools))
        self.config_head = ConfigHead(profile, spec, hidden=hidden)

    def forward(self, batch: PlanBatch) -> PlanLogits:
        """Logits of every plan."""
        prefix_BPH = self.temporal(batch.shares_BTR)
        prompt_BQH = self._token_embedding(batch.ids_BQ)
        opening_B1H = self._token_embedding(torch.full_like(batch.ids_BQ[:, :1], self.opening_id))
        # What lies behind a token is never seen: the empty ends of the rows need no mask.
        hidden_BSH = self.decoder(
            inputs_embeds=torch.cat([opening_B1H, prefix_BPH.to(prompt_BQH.dtype), prompt_BQH], dim=1), use_cache=False
        ).last_hidden_state
        rows_B = torch.arange(len(batch.last_B), device=batch.last_B.device)
        last_BH = hidden_BSH[rows_B, 1 + prefix_BPH.shape[1] + batch.last_B].float()
        return PlanLogits(tool_BG=self.tool_head(last_BH), config_BN=self.config_head(last_BH))

    @property
    def _token_embedding(self) -> nn.Embedding:
        return cast("nn.Embedding", self.decoder.get_input_embeddings())
