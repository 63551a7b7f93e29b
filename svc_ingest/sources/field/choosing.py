"""Which variable is which channel."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

from shared.errors import InvalidInputError
from svc_ingest.sources.field.axes import Dims, dims_of, latitude_axis, longitude_axis
from svc_ingest.sources.field.inputs import Input, joined
from svc_ingest.sources.field.opening import Part
from svc_ingest.sources.field.parameters import FieldParameters, pairs
from svc_ingest.sources.field.quantities import QUANTITIES, Quantity, quantity_of
from svc_ingest.sources.field.sections import Section
from svc_ingest.sources.field.times import times_of
from svc_ingest.sources.field.units import Conversion, conversion


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Choice:
    """A variable that was chosen, and the files that hold it; `level` is a value of its level axis, empty for none."""

    parts: tuple[Part, ...]
    variable: str
    level: str = ""


def inputs_of(parts: Sequence[Part], parameters: FieldParameters) -> dict[str, Input]:
    """Name -> variable: channels, and `u` and `v` for winds.

    Raises:
        InvalidInputError: none is found, one could be several, or one cannot be read as a field.
    """
    named = pairs("parameters.variables", parameters.variables)
    chosen = _named(parts, named) if named else _found(parts)
    units = pairs("parameters.units", parameters.units)
    anomalies = {name.strip() for name in parameters.anomalies.split(";") if name.strip()}
    for field, names in (("units", set(units)), ("anomalies", anomalies)):
        if names - set(chosen):
            reason = f"{', '.join(sorted(names - set(chosen)))}: not one of the channels {', '.join(chosen)}"
            raise InvalidInputError.of(f"parameters.{field}", reason)
    return {
        name: _input(name, choice, parameters, units=units.get(name, ""), is_anomaly=name in anomalies)
        for name, choice in chosen.items()
    }


def _named(parts: Sequence[Part], named: Mapping[str, str]) -> dict[str, Choice]:
    return {name: _named_choice(parts, name, text) for name, text in named.items()}


def _named_choice(parts: Sequence[Part], name: str, text: str) -> Choice:
    if quantity_of(name) is None:
        known = f"{', '.join(QUANTITIES)}, or t and a depth in metres such as t100"
        raise InvalidInputError.of("parameters.variables", f"{name!r} is no channel: use {known}")
    variable, _, level = text.partition("@")
    holders = tuple(part for part in parts if variable in part.dataset.data_vars)
    if not holders:
        raise InvalidInputError.of("parameters.variables", f"no file has {variable!r}; {_contents(parts)}")
    return Choice(parts=holders, variable=variable, level=level)


def _found(parts: Sequence[Part]) -> dict[str, Choice]:
    chosen: dict[str, Choice] = {}
    for name, quantity in QUANTITIES.items():
        holders: dict[str, list[Part]] = {}
        for part in parts:
            for variable in _candidates(part.dataset, quantity):
                holders.setdefault(variable, []).append(part)
        if len(holders) > 1:
            one, other = (f"{found[0].name} {variable!r}".strip() for variable, found in list(holders.items())[:2])
            raise InvalidInputError.of("file", f"{name} could be {one} or {other}: say which by variables='{name}=...'")
        for variable, found in holders.items():
            chosen[name] = Choice(parts=tuple(found), variable=variable)
    if not chosen:
        reason = f"no variable is known by its standard name or name: say variables='sst=NAME'; {_contents(parts)}"
        raise InvalidInputError.of("file", reason)
    return chosen


def _candidates(dataset: xr.Dataset, quantity: Quantity) -> list[str]:
    arrays = {str(name): array for name, array in dataset.data_vars.items() if array.ndim >= 2}
    standard = [name for name, array in arrays.items() if array.attrs.get("standard_name") in quantity.standard_names]
    return standard or [name for name in arrays if name.lower() in quantity.names]


def _contents(parts: Sequence[Part]) -> str:
    names = [f"{part.name} {', '.join(str(name) for name in part.dataset.data_vars)}".strip() for part in parts]
    return f"there are: {'; '.join(names)}"[:500]


def _input(name: str, choice: Choice, parameters: FieldParameters, *, units: str, is_anomaly: bool) -> Input:
    quantity = quantity_of(name)
    assert quantity is not None, "only channels that have one are chosen"
    found = []
    for part in choice.parts:
        array = part.dataset[choice.variable]
        is_one = is_anomaly or _says_anomaly(choice.variable, array.attrs)
        converted = _conversion(name, part, choice.variable, quantity, units=units, is_difference=is_one)
        found.append(_section(part, choice, parameters, converted, is_anomaly=is_one))
    return joined(found, quantity)


def _conversion(
    name: str, part: Part, variable: str, quantity: Quantity, *, units: str, is_difference: bool
) -> Conversion:
    array = part.dataset[variable]
    if not np.issubdtype(array.dtype, np.number) or np.issubdtype(array.dtype, np.complexfloating):
        raise part.wrong(f"holds {array.dtype}, not numbers", variable)
    given = units or str(array.attrs.get("units", "")).strip()
    if not given:
        raise part.wrong(f"has no units: say units='{name}={quantity.units}' if that is what it holds", variable)
    try:
        return conversion(given, quantity.units, is_difference=is_difference)
    except InvalidInputError as error:
        reason = f"the unit {error.violations[0].reason}: say the right one by units='{name}=...'"
        raise part.wrong(reason, variable) from None


def _section(
    part: Part, choice: Choice, parameters: FieldParameters, converted: Conversion, *, is_anomaly: bool
) -> Section:
    dims = dims_of(part, choice.variable)
    result = Section(
        part=part,
        variable=choice.variable,
        dims=dims,
        level=_level(part, choice, dims),
        lat=latitude_axis(part, dims.lat, parameters),
        lon=longitude_axis(part, dims.lon, parameters),
        times=times_of(part, dims.time),
        conversion=converted,
        is_anomaly=is_anomaly,
    )
    result.check_chunks()
    return result


def _says_anomaly(variable: str, attributes: Mapping[Any, Any]) -> bool:
    texts = [variable, str(attributes.get("long_name", "")), str(attributes.get("standard_name", ""))]
    return any("anom" in text.lower() for text in texts) or variable.lower() in {"ssta", "sla"}


def _level(part: Part, choice: Choice, dims: Dims) -> int | None:
    array = part.dataset[choice.variable]
    if not dims.level:
        if choice.level:
            raise part.wrong(f"has no levels, and @{choice.level} names one", choice.variable)
        return None
    if array.sizes[dims.level] == 1 and not choice.level:
        return 0
    levels = np.asarray(part.dataset[dims.level].values)
    wanted = [place for place, value in enumerate(levels) if choice.level and f"{value:g}" == choice.level]
    if len(wanted) != 1:
        known = ", ".join(f"{value:g}" for value in levels[:40])
        reason = f"has levels on {dims.level}: name one as {choice.variable}@LEVEL, of {known}"
        raise part.wrong(reason, choice.variable)
    return wanted[0]
