"""Months of fields in, forecasts out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from itertools import pairwise

import numpy as np

from shared.contracts.versions import ModelVersion
from shared.errors import InvalidInputError
from shared.fields.channels import SST
from shared.fields.months import count_of, month_from_text, month_of, month_text, months_between
from shared.fields.nino import nino_indices
from shared.fields.values import FieldInput, Floats
from shared.runtime.convert import dataset_ref
from svc_infer.domain.fields import DatasetMonths, Forecast
from svc_infer.wire.models import model_ref
from upwell.infer.v1 import forecast_pb2 as pb

MAX_CHANNELS = 64
MAX_MONTHS = 240


def field_input(message: pb.Fields, *, leads: int) -> FieldInput:
    """The months of a call; InvalidInputError names the field that is wrong."""
    lat, lon = np.array(message.latitudes), np.array(message.longitudes)
    if not 1 <= len(message.channels) <= MAX_CHANNELS:
        raise InvalidInputError.of("fields.channels", f"{len(message.channels)} were sent; send 1 to {MAX_CHANNELS}")
    if not 1 <= len(message.months) <= MAX_MONTHS:
        raise InvalidInputError.of("fields.months", f"{len(message.months)} were sent; send 1 to {MAX_MONTHS}")
    for name, degrees in (("latitudes", lat), ("longitudes", lon)):
        if not len(degrees) or not np.isfinite(degrees).all() or (np.diff(degrees) <= 0).any():
            raise InvalidInputError.of(f"fields.{name}", "are not increasing degrees: send one of each row or column")
    shape = (len(message.months), len(message.channels), len(lat), len(lon))
    if len(message.values) != np.prod(shape):
        reason = f"{len(message.values)} were sent; months x channels x latitudes x longitudes are {np.prod(shape)}"
        raise InvalidInputError.of("fields.values", reason)
    return FieldInput(
        id="",
        channels=tuple(message.channels),
        values=np.array(message.values, dtype=np.float32).reshape(shape),
        lat=lat,
        lon=lon,
        last_month=_last_of(message.months),
        leads=leads,
    )


def dataset_months(message: pb.DatasetMonths) -> DatasetMonths:
    """The months of a dataset that a call names; InvalidInputError when the reference is none."""
    named = DatasetMonths(dataset=message.dataset, last_month=message.last_month)
    named.check()
    return named


def forecast_response(version: ModelVersion, forecast: Forecast) -> pb.ForecastResponse:
    """The forecast, with the version that spoke and the indices of the months before."""
    asked, answer = forecast.asked, forecast.answer
    history = months_between(month_of(count_of(asked.last_month) - len(asked.values) + 1), asked.last_month)
    return pb.ForecastResponse(
        model=model_ref(version),
        fields=pb.Fields(
            channels=answer.channels,
            latitudes=answer.lat,
            longitudes=answer.lon,
            months=[month_text(month) for month in answer.months],
            # numpy's own float32 bytes go into the packed field without a Python object for each.
            values=answer.values.ravel(),
        ),
        nino=_indices(answer.nino),
        dataset=dataset_ref(forecast.dataset) if forecast.dataset else None,
        history_months=[month_text(month) for month in history],
        history_nino=_indices(_history(asked)),
    )


def _history(asked: FieldInput) -> Mapping[str, Sequence[float]]:
    if SST not in asked.channels:
        return {}
    sst: Floats = asked.values[:, asked.channels.index(SST)]
    return {name: values.tolist() for name, values in nino_indices(sst, asked.lat, asked.lon).items()}


def _indices(indices: Mapping[str, Sequence[float]]) -> list[pb.NinoIndex]:
    return [pb.NinoIndex(name=name, values=values) for name, values in indices.items()]


def _last_of(months: Sequence[str]) -> date:
    parsed = [month_from_text(f"fields.months[{number}]", text) for number, text in enumerate(months)]
    for before, after in pairwise(parsed):
        if count_of(after) != count_of(before) + 1:
            reason = f"{month_text(after)} does not come after {month_text(before)}: send months without a gap"
            raise InvalidInputError.of("fields.months", reason)
    return parsed[-1]
