"""What a caller may choose."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from shared.contracts.parameters import parameter
from shared.errors import InvalidInputError
from shared.fields.months import month_from_text

# No temperature lies below: nothing is land for being cold.
NEVER = -1000.0


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldParameters:
    """How fields are read; `docs/ocean.md` tells more."""

    variables: str = parameter(
        "",
        help="Which variable a channel is, sst=TEMP;u=UWND; t100=TEMP@100 is its level at 100, in the unit of the "
        "file's level axis. Empty finds them by their CF standard names, or their usual names.",
    )
    units: str = parameter(
        "", help="Units of channels whose variables do not say theirs, or say them wrong: sst=degC;taux=N m-2."
    )
    anomalies: str = parameter(
        "",
        help="Channels that hold anomalies already, with ; between; a variable that calls itself one is known as one.",
    )
    lat_min: float = parameter(-20.0, low=-90, high=90, help="Degrees; cells with centres south of it are left out.")
    lat_max: float = parameter(20.0, low=-90, high=90, help="Degrees; cells with centres north of it are left out.")
    lon_min: float = parameter(120.0, low=0, high=360, help="Degrees; cells with centres west of it are left out.")
    lon_max: float = parameter(290.0, low=0, high=360, help="Degrees; cells with centres east of it are left out.")
    resolution: float = parameter(
        0.0,
        low=0,
        high=20,
        help="Degrees from one centre to the next; 0 keeps the grid of sst, or of the first channel where there is "
        "no sst.",
    )
    land_below: float = parameter(
        NEVER,
        low=NEVER,
        high=100,
        help="Degrees C; where sst is ever colder there is land, for files that hold 0 there. The default takes "
        "nothing for land.",
    )
    gaps: str = parameter(
        "refuse",
        choices=("refuse", "missing"),
        help="What a month is that is missing, hardly observed or nowhere known: refused, or missing in the dataset.",
    )
    base_start: str = parameter(
        "", digits=True, help="First month of the base period, 1982-01 or 1982; empty is the data's."
    )
    base_end: str = parameter(
        "", digits=True, help="Last month of the base period, 2004-12 or 2004; empty is the data's."
    )

    def checked(self) -> FieldParameters:
        """The parameters themselves.

        Raises:
            InvalidInputError: two of them do not fit each other.
        """
        for low, high in (("lat_min", "lat_max"), ("lon_min", "lon_max")):
            if getattr(self, low) >= getattr(self, high):
                raise InvalidInputError.of(f"parameters.{low}", f"must be less than {high}")
        self.base((date(1, 1, 1), date(9999, 12, 1)))
        return self

    def base(self, span: tuple[date, date]) -> tuple[date, date]:
        """First and last month of the base period of data that has months from and to.

        Raises:
            InvalidInputError: it does not lie within the data.
        """
        start = month_from_text("parameters.base_start", self.base_start) if self.base_start else span[0]
        end = month_from_text("parameters.base_end", self.base_end, last=True) if self.base_end else span[1]
        if not span[0] <= start <= end <= span[1]:
            reason = f"the base period {start:%Y-%m} to {end:%Y-%m} must lie within {span[0]:%Y-%m} to {span[1]:%Y-%m}"
            raise InvalidInputError.of("parameters.base_start", reason)
        return start, end


def pairs(field: str, text: str) -> dict[str, str]:
    """`a=b;c=d` as a mapping.

    Raises:
        InvalidInputError: naming `field`.
    """
    found: dict[str, str] = {}
    for item in filter(None, (part.strip() for part in text.split(";"))):
        name, sign, value = (part.strip() for part in item.partition("="))
        if not (name and sign and value) or name in found:
            raise InvalidInputError.of(field, f"{item!r}: write channel=value, separated by ';', each channel once")
        found[name] = value
    return found
