"""OceanChat: a causal language model in whose prompts fields stand, as a frozen Geoformer reads them.

1. The Geoformer's encoder reads each sample's months; it is not trained any more.
2. An adapter makes embeddings of its tokens (see `adapters.py`).
3. They stand at the `<geoformer>` places of the conversation; the language model goes on from there.

Shape suffixes: B = rows in the batch, T = tokens in a row (or months of a sample), F = samples in the batch, in the
order of their places, P = patches, D = size of a Geoformer token, H = hidden size, K = embeddings of a sample.
"""

# ruff: noqa: N803, N806, N815 - names end in their shape, in capitals

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Self, cast

import torch
from torch import Tensor, nn

from shared.modeling.geoformer.network import Geoformer
from shared.modeling.ocean_chat.adapters import make_adapter
from shared.modeling.ocean_chat.places import PLACE
from shared.modeling.ocean_chat.spec import RESAMPLER, OceanChatSpec
from shared.modeling.ocean_chat.tensors import FieldTensors

if TYPE_CHECKING:
    from transformers import PreTrainedModel


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadFields:
    """Samples as the Geoformer has read them.

    Args:
        tokens_FTPD: months of a shorter sample stand at the end; anything before them.
        present_FTP: see `Adapter.forward`.
        months_FT: True for the sample's own months.
    """

    tokens_FTPD: Tensor
    present_FTP: Tensor
    months_FT: Tensor

    def to(self, device: torch.device) -> ReadFields:
        """The same on a device."""
        return replace(self, **{one.name: getattr(self, one.name).to(device) for one in fields(self)})


class OceanChat(nn.Module):
    """See the module.

    Args:
        geoformer: reads the fields; frozen.
        model: the language model, with its adapters (LoRA) in it where there are any.
        spec: says what stands between them.
    """

    def __init__(self, geoformer: Geoformer, model: PreTrainedModel, spec: OceanChatSpec) -> None:
        super().__init__()
        self.spec = spec
        self.geoformer = geoformer.requires_grad_(requires_grad=False)
        self.model = model
        hidden = model.config.get_text_config().hidden_size
        self.adapter = make_adapter(spec, hidden=hidden, magnitude=self.magnitude)

    @property
    def magnitude(self) -> float:
        """How large the numbers of a word's embedding are: the root of their mean square."""
        return float(self._words.weight.detach().float().square().mean().sqrt())

    def train(self, mode: bool = True) -> Self:
        """The Geoformer stays as it is when it answers."""
        super().train(mode)
        self.geoformer.eval()
        return self

    @torch.no_grad()
    def read(self, fields: FieldTensors) -> Tensor:
        """[T, P, D]: one sample's tokens, alone, so that they do not depend on what else is read."""
        tokens_BTPD = self.geoformer.encode(fields.values_BTCYX, fields.known_BTCYX, fields.months_BT)
        return tokens_BTPD[0]

    def embed(self, ids_BT: Tensor, read: ReadFields | None, *, blind: bool = False) -> Tensor:
        """[B, T, H]: the tokens' own embeddings, and those of the fields at their places: zeros where it is blind."""
        is_place_BT = ids_BT == PLACE
        embeddings_BTH: Tensor = self._words(ids_BT.masked_fill(is_place_BT, 0))
        if read is None:
            return embeddings_BTH
        seen_NH = self._seen(read, blind=blind or self.spec.blind).to(embeddings_BTH.dtype)
        mixed_BTH: Tensor = embeddings_BTH.masked_scatter(is_place_BT.unsqueeze(2), seen_NH)
        return mixed_BTH

    @property
    def _words(self) -> nn.Embedding:
        return cast("nn.Embedding", self.model.get_input_embeddings())

    def _seen(self, read: ReadFields, *, blind: bool) -> Tensor:
        """[all places, H]: sample after sample."""
        embeddings_FKH: Tensor = self.adapter(read.tokens_FTPD, read.present_FTP)
        if blind:
            embeddings_FKH = torch.zeros_like(embeddings_FKH)
        if self.spec.adapter == RESAMPLER:
            return embeddings_FKH.flatten(0, 1)
        own_FK = read.months_FT.repeat_interleave(self.spec.tokens, dim=1)
        return embeddings_FKH[own_FK]


def together(read: Sequence[tuple[Tensor, Tensor]]) -> ReadFields | None:
    """Samples in one batch, each its tokens [T, P, D] and which patches are present [T, P]; None without any."""
    if not read:
        return None
    longest = max(len(tokens_TPD) for tokens_TPD, _ in read)
    patches, size = read[0][0].shape[1:]
    tokens_FTPD = torch.zeros((len(read), longest, patches, size))
    present_FTP = torch.zeros((len(read), longest, patches), dtype=torch.bool)
    months_FT = torch.zeros((len(read), longest), dtype=torch.bool)
    for number, (tokens_TPD, present_TP) in enumerate(read):
        own = slice(longest - len(tokens_TPD), longest)
        tokens_FTPD[number, own], present_FTP[number, own], months_FT[number, own] = tokens_TPD, present_TP, True
    return ReadFields(tokens_FTPD=tokens_FTPD, present_FTP=present_FTP, months_FT=months_FT)
