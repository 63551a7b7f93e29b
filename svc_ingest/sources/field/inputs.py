"""A variable that is ready to be read, piece by piece, in the unit and order it is kept in."""

# ruff: noqa: N806 - names end in their shape, in capitals

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate

import numpy as np
from numpy.typing import NDArray

from shared.errors import InvalidInputError
from svc_ingest.sources.field.axes import MOST_TIMES, Axis
from svc_ingest.sources.field.quantities import Quantity
from svc_ingest.sources.field.sections import Section
from svc_ingest.sources.field.times import Months, months_of

# What is read at once, in float64.
PIECE_BYTES = 32 * 2**20


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Input:
    """One variable, in one file or in several that follow each other in time.

    Args:
        sections: what each file holds of it, in the order of time, on one grid.
        months: the months of all rows.
        quantity: what it measures.
    """

    sections: tuple[Section, ...]
    months: Months
    quantity: Quantity

    @property
    def lat(self) -> Axis:
        """The wanted latitudes."""
        return self.sections[0].lat

    @property
    def lon(self) -> Axis:
        """The wanted longitudes."""
        return self.sections[0].lon

    @property
    def variable(self) -> str:
        """Its name in the first file."""
        return self.sections[0].variable

    @property
    def is_anomaly(self) -> bool:
        """Whether it departs from a usual year that is not in the files."""
        return self.sections[0].is_anomaly

    def wrong(self, reason: str) -> InvalidInputError:
        """The error that says what is wrong with all of it, and where."""
        first, last = self.sections[0], self.sections[-1]
        if first is last:
            return first.part.wrong(reason, first.variable)
        place = f"{first.part.name} to {last.part.name}: variable {first.variable!r}"
        return InvalidInputError.of("file", f"{place}: {reason}")

    def pieces(self) -> Iterator[slice]:
        """Rows that are read at once, over all of them; short files are read together."""
        maps = max(1, PIECE_BYTES // (8 * max(section.cells for section in self.sections)))
        first = end = 0
        for start, section in zip(self._starts, self.sections, strict=True):
            for rows in section.pieces(maps):
                if start + rows.stop - first > maps and end > first:
                    yield slice(first, end)
                    first = end
                end = start + rows.stop
        yield slice(first, end)

    def raw(self, rows: slice) -> NDArray[np.float32]:
        """Float32 [rows, lat, lon] in the unit it is kept in, land and mistakes included."""
        found = [section.raw(part) for section, part in self._parts(rows)]
        return found[0] if len(found) == 1 else np.concatenate(found)

    def read(self, rows: slice, land_yx: NDArray[np.bool_] | None) -> NDArray[np.float32]:
        """`raw` with NaN on land.

        Raises:
            InvalidInputError: what is not land holds what cannot be, as it does when the unit is wrong.
        """
        values_Tyx = self.raw(rows)
        if land_yx is not None:
            values_Tyx[:, land_yx] = np.nan
        low, high = self.quantity.low, self.quantity.high
        if self.is_anomaly:
            low, high = low - high, high - low
        wrong_Tyx = (values_Tyx < low) | (values_Tyx > high)
        if wrong_Tyx.any():
            row = rows.start + int(np.argmax(wrong_Tyx.any(axis=(1, 2))))
            section, _ = next(self._parts(slice(row, row + 1)))
            reason = self._says_impossible(float(values_Tyx[wrong_Tyx][0]), low, high)
            raise section.part.wrong(reason, section.variable)
        return values_Tyx

    @property
    def _starts(self) -> list[int]:
        return [0, *accumulate(section.rows for section in self.sections[:-1])]

    def _parts(self, rows: slice) -> Iterator[tuple[Section, slice]]:
        """The files that hold these rows, and which of theirs they are."""
        for start, section in zip(self._starts, self.sections, strict=True):
            part = slice(max(rows.start - start, 0), min(rows.stop - start, section.rows))
            if part.start < part.stop:
                yield section, part

    def _says_impossible(self, value: float, low: float, high: float) -> str:
        units, what = self.quantity.units, self.quantity.long_name
        kind = "anomaly of " if self.is_anomaly else ""
        hint = "the unit may be wrong (parameter units), or a missing value may not be marked by _FillValue"
        return f"{value:g} {units} is no {kind}{what} ({low:g} to {high:g}): {hint}"


def joined(sections: Sequence[Section], quantity: Quantity) -> Input:
    """One variable out of the files that hold it, whatever their names sort like.

    Raises:
        InvalidInputError: two of them have other grids, or overlap in time.
    """
    ordered = sorted(sections, key=lambda section: section.times.days[0])
    first = ordered[0]
    for section in ordered[1:]:
        section.check_fits(first)
    rows = sum(section.rows for section in ordered)
    if rows > MOST_TIMES:
        raise first.part.wrong(f"has {rows} times in all files; at most {MOST_TIMES}", first.variable)
    months = months_of([section.times for section in ordered])
    return Input(sections=tuple(ordered), months=months, quantity=quantity)
