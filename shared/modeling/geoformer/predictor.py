"""The predictor of the family `geoformer`: months of fields in, the months that follow out, with their Nino indices."""

# ruff: noqa: N803, N806 - names end in their shape, in capitals

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from shared.contracts.interfaces import Interface
from shared.errors import InvalidInputError
from shared.fields.channels import SST
from shared.fields.climatology import MONTHS
from shared.fields.grid import axis_in_words, same_axis
from shared.fields.months import count_of, month_of
from shared.fields.nino import nino_indices
from shared.fields.values import FieldAnswer, FieldInput, Floats
from shared.modeling.bundle import read_info
from shared.modeling.geoformer import golden
from shared.modeling.geoformer.ensemble import Forecaster
from shared.modeling.geoformer.spec import GeoformerSpec
from shared.modeling.geoformer.storage import load_forecaster

FAMILY = "geoformer"


class GeoformerPredictor:
    """Answers for FieldInput with FieldAnswer (see `Predictor`)."""

    family = FAMILY
    interface = Interface.FIELD
    labels: tuple[str, ...] = ()
    tokenizer_digest = ""
    dtype = "float32"

    def __init__(self, forecaster: Forecaster) -> None:
        self._forecaster = forecaster
        self._spec = forecaster.spec

    @property
    def history(self) -> int:
        """Months it goes on from."""
        return self._spec.history

    @property
    def horizon(self) -> int:
        """Months it can look ahead."""
        return self._spec.horizon

    def predict(self, inputs: Sequence[FieldInput]) -> list[FieldAnswer]:
        """One answer for each input, in order.

        Raises:
            InvalidInputError: an input is not on the model's grid, lacks a channel, or has another number of months.
        """
        for one in inputs:
            check_input(one, self._spec)
        return [self._answer(one) for one in inputs]

    def _answer(self, given: FieldInput) -> FieldAnswer:
        order = [given.channels.index(channel) for channel in self._spec.channels]
        last = count_of(given.last_month)
        months_T = np.arange(last + 1 - self._spec.history, last + 1) % MONTHS
        [values_FCYX] = self._forecaster.forecast(given.values[None, :, order], months_T[None], given.leads)
        return FieldAnswer(
            id=given.id,
            channels=self._spec.channels,
            values=values_FCYX,
            lat=given.lat,
            lon=given.lon,
            months=tuple(month_of(last + lead) for lead in range(1, given.leads + 1)),
            nino=indices_of(values_FCYX, self._spec),
        )

    def golden_inputs(self) -> list[dict[str, Any]]:
        """See `golden.py`."""
        return golden.golden_inputs(self._spec)

    def golden_answer(self, golden_input: Mapping[str, Any]) -> dict[str, Any]:
        """The answer to a golden input as JSON values."""
        [answer] = self.predict([golden.parse_golden_input(golden_input, self._spec)])
        return golden.answer_as_json(answer, self._spec)

    def differences(self, certified: Mapping[str, Any], answered: Mapping[str, Any], *, tolerance: float) -> list[str]:
        """See `golden.differences`."""
        return golden.differences(certified, answered, tolerance=tolerance)


def load(bundle_dir: Path, base_dir: Path | None, device: str) -> GeoformerPredictor:
    """Load a bundle of this family: the entry point `geoformer` of `upwell.predictors`.

    It stands on no base and computes in float32 everywhere.

    Raises:
        IntegrityError: the bundle is damaged or incomplete.
    """
    del base_dir
    forecaster = load_forecaster(bundle_dir, read_info(bundle_dir))
    forecaster.ensemble.to(device)
    return GeoformerPredictor(forecaster)


def check_input(given: FieldInput, spec: GeoformerSpec) -> None:
    """InvalidInputError when a model of this spec cannot go on from the input; extra channels are passed over."""
    missing = [channel for channel in spec.channels if channel not in given.channels]
    if missing:
        reason = f"{', '.join(missing)} is missing; the model reads {', '.join(spec.channels)}"
        raise InvalidInputError.of("channels", f"{reason}. A channel that is not known is given as NaN")
    if len(given.values) != spec.history:
        raise InvalidInputError.of("values", f"{len(given.values)} months; the model goes on from {spec.history}")
    for name, axis, wanted in (("lat", given.lat, spec.lat), ("lon", given.lon, spec.lon)):
        if not same_axis(axis, wanted):
            raise InvalidInputError.of(name, f"{axis_in_words(axis)}; the model's grid has {axis_in_words(wanted)}")
    if given.leads > spec.horizon:
        raise InvalidInputError.of("leads", f"{given.leads} months ahead; the model looks {spec.horizon} ahead")
    if np.isnan(given.values[-1, [given.channels.index(channel) for channel in spec.channels]]).all():
        raise InvalidInputError.of("values", "nothing is known of the last month, which the forecast goes on from")


def indices_of(values_FCYX: Floats, spec: GeoformerSpec) -> dict[str, tuple[float, ...]]:
    """The Nino indices of each month; absent are those whose box the grid does not hold, or knows too little of."""
    if SST not in spec.channels:
        return {}
    temperature_FYX = values_FCYX[:, spec.channels.index(SST)]
    found = nino_indices(temperature_FYX, np.array(spec.lat), np.array(spec.lon))
    return {name: tuple(values_F.tolist()) for name, values_F in found.items() if np.isfinite(values_F).all()}
