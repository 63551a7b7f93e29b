"""Geoformer: a transformer that reads months of ocean fields and writes the months that follow.

1. Patches of the anomalies, and of the mask that says what of them is known, become tokens.
2. The encoder's tokens hear one another within a month, then along the months of a place: divided space-time attention.
3. The decoder writes month after month: its tokens are the month before (the true one or its own), and hear the leads
   before them, one another, and the encoder's tokens of their place. What it writes is added to a first guess.

The encoder-decoder over patches of multivariate fields follows 3D-Geoformer (Zhou & Zhang, "A self-attention-based
neural network for three-dimensional multivariate modeling and its skillful ENSO predictions", Science Advances 2023);
the divided attention follows TimeSformer (see `attention.py`).

Shape suffixes: B = windows, T = months of history, F = months ahead, C = channels, Y = latitudes (south to north),
X = longitudes (west to east), P = patches (row by row from the south-west), K = numbers of a patch, D = token size.
"""

# ruff: noqa: N803, N806, N815 - names end in their shape, in capitals

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn

from shared.modeling.geoformer.attention import Season, waves
from shared.modeling.geoformer.layers import DecoderLayer, EncoderLayer, PatchEmbedding
from shared.modeling.geoformer.patches import from_patches, to_patches
from shared.modeling.geoformer.spec import GeoformerSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class Rollout:
    """True months for a decoder that learns.

    Args:
        truth_BFCYX: anomalies; anything where not known.
        known_BFCYX: where they are.
        forced_BF: True where the decoder takes the true month to go on from; else it takes its own.
    """

    truth_BFCYX: Tensor
    known_BFCYX: Tensor
    forced_BF: Tensor


# What a Geoformer reads with (`encode`), by the names of its parts; the others are what it forecasts with.
READING = ("embed.", "place_PD", "season.", "time.", "encoder.", "encoder_norm.")


class Geoformer(nn.Module):
    """See the module. Anomalies go in and come out in their own units; `dropout` is the share that training ignores."""

    scales_C11: Tensor

    def __init__(self, spec: GeoformerSpec, *, dropout: float = 0.0) -> None:
        super().__init__()
        self.spec = spec
        self.register_buffer("scales_C11", torch.tensor(spec.scales)[:, None, None], persistent=False)
        self.embed, self.embed_guess = PatchEmbedding(spec), PatchEmbedding(spec)
        self.place_PD = nn.Parameter(0.02 * torch.randn(spec.patches, spec.d_model))
        self.season, self.season_ahead = Season(spec.d_model), Season(spec.d_model)
        self.time = nn.Linear(spec.d_model, spec.d_model)
        self.encoder = nn.ModuleList(EncoderLayer(spec, dropout) for _ in range(spec.encoder_layers))
        self.encoder_norm = nn.LayerNorm(spec.d_model)
        self.decoder = nn.ModuleList(DecoderLayer(spec, dropout) for _ in range(spec.decoder_layers))
        self.decoder_norm = nn.LayerNorm(spec.d_model)
        self.head = nn.Linear(spec.d_model, len(spec.channels) * spec.patch[0] * spec.patch[1])
        # Untrained, the network adds nothing to the first guess.
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)

    def encode(self, values_BTCYX: Tensor, known_BTCYX: Tensor, months_BT: Tensor | None = None) -> Tensor:
        """The history as tokens.

        Args:
            values_BTCYX: anomalies in their own units, any number of months, oldest first; anything where not known.
            known_BTCYX: bool: False on land and for what is missing, a whole channel or a whole month too.
            months_BT: calendar months, 0 = January; None where they are not known.

        Returns:
            [B, T, P, D]: month after month; within a month row by row from south to north, in a row from west to east.
        """
        tokens_BTPD = self.embed(self._scaled(values_BTCYX, known_BTCYX), known_BTCYX) + self.place_PD
        length = values_BTCYX.shape[1]
        # Counted back from the last month, so that the months nearest to the forecast are called the same.
        positions_T = torch.arange(1 - length, 1, device=values_BTCYX.device)
        tokens_BTPD = tokens_BTPD + self._when(positions_T)[:, None]
        if months_BT is not None:
            tokens_BTPD = self.season(tokens_BTPD, months_BT)
        present_BTP = self._present(known_BTCYX)
        for layer in self.encoder:
            tokens_BTPD = layer(tokens_BTPD, present_BTP)
        encoded_BTPD: Tensor = self.encoder_norm(tokens_BTPD)
        return encoded_BTPD

    def forward(
        self,
        values_BTCYX: Tensor,
        known_BTCYX: Tensor,
        months_BT: Tensor,
        guess_BFCYX: Tensor,
        rollout: Rollout | None = None,
    ) -> Tensor:
        """The months that follow [B, F, C, Y, X], F of them as the first guess has.

        Args:
            values_BTCYX: see `encode`.
            known_BTCYX: see `encode`.
            months_BT: see `encode`.
            guess_BFCYX: what the network corrects; zeros where it is to say everything itself.
            rollout: what to go on from while learning; None always goes on from its own months.
        """
        memory_BTPD = self.encode(values_BTCYX, known_BTCYX, months_BT)
        layers = [cast("DecoderLayer", layer) for layer in self.decoder]
        histories = [layer.remember(memory_BTPD) for layer in layers]
        heard_NT = self._heard(known_BTCYX)
        sea_BCYX = known_BTCYX.any(1)
        present_BP = self._present(sea_BCYX.unsqueeze(1)).squeeze(1)
        caches: list[Tensor | None] = [None] * len(layers)
        previous, previous_known = values_BTCYX[:, -1:], known_BTCYX[:, -1:]
        written: list[Tensor] = []
        for lead in range(guess_BFCYX.shape[1]):
            guess_B1CYX = guess_BFCYX[:, lead : lead + 1]
            tokens_BPD = self._month(previous, previous_known) + self._guess(guess_B1CYX, sea_BCYX.unsqueeze(1))
            tokens_BPD = tokens_BPD + self._when(torch.tensor(lead + 1, device=tokens_BPD.device))
            tokens_BPD = self.season_ahead(tokens_BPD, months_BT[:, -1] + lead + 1)
            for number, layer in enumerate(layers):
                tokens_BPD, caches[number] = layer(tokens_BPD, caches[number], histories[number], heard_NT, present_BP)
            correction = from_patches(self.head(self.decoder_norm(tokens_BPD)).unsqueeze(1), self.spec)
            own_B1CYX = guess_B1CYX + correction * self.scales_C11
            written.append(own_B1CYX)
            previous, previous_known = own_B1CYX, sea_BCYX.unsqueeze(1)
            if rollout is not None:
                previous, previous_known = _forced(rollout, lead, previous, previous_known)
        return torch.cat(written, dim=1)

    def _month(self, month_B1CYX: Tensor, known_B1CYX: Tensor) -> Tensor:
        """[B, P, D]: what the decoder goes on from."""
        tokens_B1PD: Tensor = self.embed(self._scaled(month_B1CYX, known_B1CYX), known_B1CYX)
        return tokens_B1PD.squeeze(1) + self.place_PD

    def _guess(self, guess_B1CYX: Tensor, sea_B1CYX: Tensor) -> Tensor:
        """[B, P, D]: what the decoder corrects."""
        tokens_B1PD: Tensor = self.embed_guess(self._scaled(guess_B1CYX, sea_B1CYX), sea_B1CYX)
        return tokens_B1PD.squeeze(1)

    def _scaled(self, values: Tensor, known: Tensor) -> Tensor:
        return torch.where(known, values, 0.0) / self.scales_C11

    def _when(self, positions: Tensor) -> Tensor:
        when: Tensor = self.time(waves(positions, self.spec.d_model))
        return when

    def _present(self, known_BTCYX: Tensor) -> Tensor:
        """[B, T, P]: which tokens hold anything known."""
        return to_patches(known_BTCYX.float(), self.spec).any(dim=3)

    def _heard(self, known_BTCYX: Tensor) -> Tensor:
        """[B x P, T]: which months of a place are heard; the last one always, as nobody can hear nothing."""
        present_BTP = self._present(known_BTCYX)
        present_BTP[:, -1] = True
        return present_BTP.transpose(1, 2).flatten(0, 1)


def _forced(rollout: Rollout, lead: int, own: Tensor, sea: Tensor) -> tuple[Tensor, Tensor]:
    forced_B1111 = rollout.forced_BF[:, lead, None, None, None, None]
    here = slice(lead, lead + 1)
    values = torch.where(forced_B1111, rollout.truth_BFCYX[:, here], own)
    return values, torch.where(forced_B1111, rollout.known_BFCYX[:, here], sea)
