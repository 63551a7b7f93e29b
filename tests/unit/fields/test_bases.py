from __future__ import annotations

from datetime import date

import pytest

from shared.errors import InvalidInputError
from shared.fields.bases import GIVEN, UNKNOWN, bases_of, check_bases, other_base

LONG, SHORT = "1982-01/2010-12", "1997-01/1998-06"


def said(base: str, wanted: str) -> str:
    return other_base(("taux", "sst"), ("", base), ("sst",), (wanted,), reader="the model")


def test_a_channel_that_came_as_anomalies_has_no_recorded_base() -> None:
    assert bases_of(("sst", "taux"), (date(1982, 1, 1), date(2010, 12, 1)), ("taux",)) == (LONG, GIVEN)


def test_another_base_is_named_with_the_way_out() -> None:
    assert said(SHORT, LONG) == (
        "sst departs from the usual year of 1997-01 to 1998-06, the model learnt one that departs from the usual year "
        "of 1982-01 to 2010-12: ingest absolute values with -p base_start=1982-01 -p base_end=2010-12"
    )
    assert said(GIVEN, LONG).startswith("sst came as anomalies of an unrecorded base, the model")
    assert said(LONG, GIVEN).endswith("ingest anomalies from the same maker")


@pytest.mark.parametrize(("base", "wanted"), [(LONG, LONG), (GIVEN, GIVEN), (UNKNOWN, LONG), (LONG, UNKNOWN)])
def test_the_same_base_and_one_that_is_not_known_are_taken(base: str, wanted: str) -> None:
    assert not said(base, wanted)


def test_nothing_is_compared_where_none_are_recorded() -> None:
    assert not other_base(("sst",), (), ("sst",), (LONG,), reader="x")
    assert not other_base(("sst",), (SHORT,), ("sst",), (), reader="x")


@pytest.mark.parametrize(
    ("bases", "reason"),
    [
        ((LONG, LONG), "there are 2 for 1 channels"),
        (("1982/2010",), "'1982/2010' is none: write 1982-01/2010-12"),
        (("2010-12/1982-01",), "'2010-12/1982-01' is none"),
    ],
)
def test_what_is_no_base_is_refused(bases: tuple[str, ...], reason: str) -> None:
    with pytest.raises(InvalidInputError, match=reason):
        check_bases(bases, ("sst",))
