"""Several Geoformers whose mean is the forecast, and the first guess they correct."""

# ruff: noqa: N803 - names end in their shape, in capitals

from __future__ import annotations

from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from shared.modeling.geoformer.guess import FirstGuess
from shared.modeling.geoformer.lim import Floats
from shared.modeling.geoformer.network import Geoformer, Rollout
from shared.modeling.geoformer.spec import GeoformerSpec

# Windows computed at once: bounds memory.
MICRO_BATCH = 16


class Ensemble(nn.Module):
    """`spec.members` networks of one shape: they differ by where they begin and by what dropout hid from them."""

    def __init__(self, spec: GeoformerSpec, *, dropout: float = 0.0) -> None:
        super().__init__()
        self.spec = spec
        self.members = nn.ModuleList(Geoformer(spec, dropout=dropout) for _ in range(spec.members))

    @property
    def first(self) -> Geoformer:
        """One of the networks, for who needs a single one: its encoder is what `ocean-chat` reads fields with."""
        return cast("Geoformer", self.members[0])

    def forward(
        self,
        values_BTCYX: Tensor,
        known_BTCYX: Tensor,
        months_BT: Tensor,
        guess_BFCYX: Tensor,
        rollout: Rollout | None = None,
    ) -> list[Tensor]:
        """What each network forecasts; see `Geoformer.forward`."""
        return [member(values_BTCYX, known_BTCYX, months_BT, guess_BFCYX, rollout) for member in self.members]


class Forecaster:
    """Histories in, forecasts out, both as numbers with NaN where nothing is known.

    Args:
        ensemble: in eval mode, on any device.
        guess: what the networks correct.
    """

    def __init__(self, ensemble: Ensemble, guess: FirstGuess) -> None:
        self.ensemble, self.guess = ensemble, guess
        self.spec = ensemble.spec

    @property
    def device(self) -> torch.device:
        """Where the networks are."""
        return self.ensemble.first.place_PD.device

    def forecast(self, histories_NTCYX: Floats, months_NT: NDArray[np.int64], leads: int) -> Floats:
        """[N, F, C, Y, X]: NaN on land, and for a channel of which nothing is known.

        Args:
            histories_NTCYX: anomalies in their own units, oldest first.
            months_NT: calendar months, 0 = January.
            leads: months ahead.
        """
        parts = [
            self._forecast(histories_NTCYX[start : start + MICRO_BATCH], months_NT[start : start + MICRO_BATCH], leads)
            for start in range(0, len(histories_NTCYX), MICRO_BATCH)
        ]
        return np.concatenate(parts)

    def _forecast(self, histories_NTCYX: Floats, months_NT: NDArray[np.int64], leads: int) -> Floats:
        known = np.isfinite(histories_NTCYX)
        guess = self.guess.forecast(histories_NTCYX, months_NT, leads)
        with torch.inference_mode():
            told = self.ensemble(
                torch.from_numpy(np.nan_to_num(histories_NTCYX)).to(self.device),
                torch.from_numpy(known).to(self.device),
                torch.from_numpy(months_NT).to(self.device),
                torch.from_numpy(guess).to(self.device),
            )
            mean: Floats = torch.stack(told).mean(0).float().cpu().numpy()
        return np.where(known.any(axis=1, keepdims=True), mean, np.float32(np.nan))
