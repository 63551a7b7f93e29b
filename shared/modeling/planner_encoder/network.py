"""Configurations to embeddings that stand for them: a frozen language model, given one, says what it is.

Two streams make an embedding: the language model's own frozen embedding of the tool's name, and a small network over
the configuration's six numbers. Self-attention over the two fuses them; their mean stands in front of the description
as one embedding, behind the token that opens a text (see `Base.opening_id`). That one embedding can carry a text
through a frozen model is the finding of Kuratov et al., "Cramming 1568 Tokens into a Single Vector and Back Again"
(ACL 2025); there it is optimised, here it is computed.

Shape suffixes: B = configurations in the batch, G = tools, M = numbers of a configuration, H = hidden size of the
language model, L = tokens of the longest description, S = 1 + L, V = vocabulary.
"""

# ruff: noqa: N803, N806, N815 - names end in their shape, in capitals

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, cast

import torch
from torch import Tensor, nn

from shared.modeling.bases import Base
from shared.modeling.planner_encoder.spec import EncoderSpec
from shared.planning.profile import NUMBERS, Profile

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

HEADS = 8


class ConfigEncoder(nn.Module):
    """A tool's name embedding and a configuration's numbers to one embedding.

    Args:
        spec: how numbers are read.
        hidden: size of the language model's embeddings.
        magnitude: of the language model's own embeddings; the encoder's begin with the same.
    """

    mean_M: Tensor
    scale_M: Tensor

    def __init__(self, spec: EncoderSpec, *, hidden: int, magnitude: float) -> None:
        super().__init__()
        self.register_buffer("mean_M", torch.tensor(spec.mean), persistent=False)
        self.register_buffer("scale_M", torch.tensor(spec.scale), persistent=False)
        self.mlp = nn.Sequential(
            nn.Linear(len(NUMBERS), hidden), nn.GELU(), nn.Linear(hidden, hidden), nn.GELU(), nn.Linear(hidden, hidden)
        )
        self.name_norm, self.number_norm = nn.LayerNorm(hidden), nn.LayerNorm(hidden)
        self.fusion = nn.TransformerEncoderLayer(
            hidden,
            nhead=HEADS if hidden % HEADS == 0 else 1,
            dim_feedforward=4 * hidden,
            dropout=0.0,
            activation="gelu",
            batch_first=True,
            norm_first=True,
        )
        self.norm = nn.LayerNorm(hidden)
        nn.init.constant_(self.norm.weight, magnitude)

    def forward(self, names_BH: Tensor, numbers_BM: Tensor) -> Tensor:
        """[B, H].

        Args:
            names_BH: embeddings of the tools' names.
            numbers_BM: as the profile has them.
        """
        logs_BM = (numbers_BM.log1p() - self.mean_M) / self.scale_M
        streams_B2H = torch.stack([self.name_norm(names_BH), self.number_norm(self.mlp(logs_BM))], dim=1)
        embeddings_BH: Tensor = self.norm(self.fusion(streams_B2H).mean(1))
        return embeddings_BH


class PlannerEncoder(nn.Module):
    """The encoder in front of a frozen language model; only the encoder trains."""

    names_GH: Tensor

    def __init__(self, base: Base, spec: EncoderSpec, profile: Profile) -> None:
        super().__init__()
        self.model = base.model.requires_grad_(False)
        self.opening_id = base.opening_id
        tokens_VH = self.token_embedding.weight.detach().float()
        self.encoder = ConfigEncoder(spec, hidden=tokens_VH.shape[1], magnitude=float(tokens_VH.square().mean().sqrt()))
        names = [tool.name for tool in profile.tools]
        self.register_buffer("names_GH", name_embeddings(names, tokens_VH, base.tokenizer), persistent=False)

    @property
    def token_embedding(self) -> nn.Embedding:
        """The frozen embedding of the language model's tokens."""
        return cast("nn.Embedding", self.model.get_input_embeddings())

    def embed(self, tool_ids_B: Tensor, numbers_BM: Tensor) -> Tensor:
        """float32 [B, H]: what stands for configurations."""
        embeddings_BH: Tensor = self.encoder(self.names_GH[tool_ids_B], numbers_BM)
        return embeddings_BH

    def opened(self, embeddings_BH: Tensor) -> Tensor:
        """[B, 2, H]: what stands in front of the descriptions, in the language model's dtype."""
        opening_B = torch.full((len(embeddings_BH),), self.opening_id, device=embeddings_BH.device)
        opening_BH = self.token_embedding(opening_B)
        return torch.stack([opening_BH, embeddings_BH.to(opening_BH.dtype)], dim=1)

    def logits(self, embeddings_BH: Tensor, ids_BL: Tensor) -> Tensor:
        """[B, L, V]: of each token of the descriptions, after the embedding and the tokens before it."""
        opened_B2H = self.opened(embeddings_BH)
        inputs_BSH = torch.cat([opened_B2H, self.token_embedding(ids_BL[:, :-1])], dim=1)
        # What lies behind a token is never seen: the empty ends of the rows need no mask.
        logits_BSV: Tensor = self.model(inputs_embeds=inputs_BSH, use_cache=False).logits
        return logits_BSV[:, 1:]


def name_embeddings(names: Sequence[str], tokens_VH: Tensor, tokenizer: PreTrainedTokenizerBase) -> Tensor:
    """float32 [G, H]: the mean embedding of each name's tokens, as the language model has them."""
    ids = tokenizer(list(names), add_special_tokens=False)["input_ids"]
    return torch.stack([tokens_VH[torch.tensor(row)].mean(0) for row in ids])
