"""How a Geoformer learns: windows to batches, and the loss of what it forecasts."""

# ruff: noqa: N803, N806, N815 - names end in their shape, in capitals

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np
import torch
from torch import Tensor, nn

from shared.modeling.geoformer.ensemble import Ensemble
from shared.modeling.geoformer.lim import Floats
from shared.modeling.geoformer.network import Rollout
from svc_train.recipes.geoformer.config import GeoformerConfig
from svc_train.recipes.geoformer.data import OceanData
from svc_train.recipes.geoformer.guesses import Guesses
from svc_train.recipes.geoformer.sampling import Drawn, generator
from svc_train.recipes.training.task import TensorBatch, Watched

WATCHED = Watched(name="nino34_correlation", larger_is_better=True)
# The slope of a square root has no bound at 0.
SMALLEST = 1e-6


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowBatch(TensorBatch):
    """Windows to learn from.

    Args:
        values_BTCYX, known_BTCYX, months_BT: the history, see `Geoformer.encode`.
        guess_BFCYX: what the networks correct.
        truth_BFCYX, truth_known_BFCYX: what came, in the months that may be learnt from.
        forced_BF: where the decoder goes on from the true month.
        weights: maps of which anything is known (a channel of a month), and windows.
        tokens: patches that the networks read and write.
    """

    values_BTCYX: Tensor
    known_BTCYX: Tensor
    months_BT: Tensor
    guess_BFCYX: Tensor
    truth_BFCYX: Tensor
    truth_known_BFCYX: Tensor
    forced_BF: Tensor
    weights: tuple[float, ...]
    tokens: int


@dataclass(frozen=True, slots=True, kw_only=True)
class GeoformerTask:
    """See `Task`. `measure` gives the numbers of the forecasts of the test period."""

    network: Ensemble
    config: GeoformerConfig
    data: OceanData
    guesses: Guesses
    measure: Callable[[], Mapping[str, float]]

    @property
    def watched(self) -> Watched | None:
        """The correlation of the Nino3.4 index, its mean over the leads."""
        return WATCHED if len(self.data.test) else None

    def collate(self, examples: Sequence[Drawn]) -> WindowBatch:
        """The batch on the CPU."""
        rows = np.array([one.row for one in examples])
        histories, months = self.data.histories(rows, self.config.history)
        truth = self.data.futures(rows, self.config.horizon, self.data.usable_T)
        changed = [self._changed(history, generator(one)) for one, history in zip(examples, histories, strict=True)]
        forced = [generator(one).random(self.config.horizon) < one.forcing for one in examples]
        known = np.isfinite(truth)
        spec = self.network.spec
        return WindowBatch(
            values_BTCYX=torch.from_numpy(np.nan_to_num(np.stack(changed))),
            known_BTCYX=torch.from_numpy(np.isfinite(np.stack(changed))),
            months_BT=torch.from_numpy(months),
            # As the clean history has it: noise is there for the networks, not for the model they correct.
            guess_BFCYX=torch.from_numpy(self.guesses.of(rows, histories, months)),
            truth_BFCYX=torch.from_numpy(np.nan_to_num(truth)),
            truth_known_BFCYX=torch.from_numpy(known),
            # A month that is not known cannot be gone on from.
            forced_BF=torch.from_numpy(np.stack(forced) & known.any(axis=(2, 3, 4))),
            weights=(float(known.any(axis=(3, 4)).sum()), float(len(rows))),
            tokens=len(rows) * (self.config.history + self.config.horizon) * spec.patches * spec.members,
        )

    def loss(self, batch: WindowBatch, totals: Sequence[float]) -> Tensor:
        """The mean over the networks of `loss_of`."""
        rollout = Rollout(truth_BFCYX=batch.truth_BFCYX, known_BFCYX=batch.truth_known_BFCYX, forced_BF=batch.forced_BF)
        told = cast("nn.Module", self.network)(
            batch.values_BTCYX, batch.known_BTCYX, batch.months_BT, batch.guess_BFCYX, rollout
        )
        losses = [self._loss_of(forecast_BFCYX, batch, totals) for forecast_BFCYX in told]
        return torch.stack(losses).mean()

    def evaluate(self) -> Mapping[str, float]:
        """See `measure`."""
        return self.measure()

    def _changed(self, history_TCYX: Floats, random: np.random.Generator) -> Floats:
        """The history with noise, and with months and channels hidden."""
        config = self.config
        changed = history_TCYX.copy()
        if config.noise:
            spread = np.array(self.data.scales)[:, None, None] * config.noise
            changed += (random.normal(size=changed.shape) * spread).astype(np.float32)
        hidden_T = random.random(len(changed)) < config.drop_months
        hidden_C = random.random(len(self.data.channels)) < config.drop_channels
        # What the forecast goes on from is never hidden.
        hidden_T[-1] = hidden_C[self.data.temperature] = False
        changed[hidden_T[:, None] | hidden_C] = np.nan
        return changed

    def _loss_of(self, forecast_BFCYX: Tensor, batch: WindowBatch, totals: Sequence[float]) -> Tensor:
        """RMSE over the known places of each map, by area and in the channel's spread, plus that of the Nino3.4 index.

        The first is summed over the maps, the second, over the months of a window, is summed over windows; each is
        divided by what there is of it in the whole step.
        """
        maps, windows = totals
        data, device = self.data, forecast_BFCYX.device
        scales_C11 = torch.tensor(data.scales, device=device)[:, None, None]
        off_BFCYX = (forecast_BFCYX.float() - batch.truth_BFCYX) / scales_C11
        weights_BFCYX = batch.truth_known_BFCYX * torch.from_numpy(data.area_Y).to(device)[:, None]
        area_BFC = weights_BFCYX.sum((3, 4))
        mean_BFC = (off_BFCYX.square() * weights_BFCYX).sum((3, 4)) / area_BFC.clamp_min(SMALLEST)
        field_loss = ((mean_BFC + SMALLEST).sqrt() * (area_BFC > 0)).sum() / max(maps, 1)
        box_BFYX = batch.truth_known_BFCYX[:, :, data.temperature] * torch.from_numpy(data.index_YX).to(device)
        index_BF = (off_BFCYX[:, :, data.temperature] * box_BFYX).sum((2, 3))
        known_BF = box_BFYX.sum((2, 3)) > 0
        mean_B = (index_BF.square() * known_BF).sum(1) / known_BF.sum(1).clamp_min(1)
        index_loss = (mean_B + SMALLEST).sqrt().sum() / max(windows, 1)
        return field_loss + self.config.index_weight * index_loss
