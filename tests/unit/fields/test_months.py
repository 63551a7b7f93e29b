from __future__ import annotations

from datetime import date

import pytest

from shared.errors import InvalidInputError
from shared.fields.months import is_month, month_from_text


def test_a_month_or_a_year_is_read() -> None:
    assert month_from_text("start", "2009-11") == date(2009, 11, 1)
    assert month_from_text("start", "2009") == date(2009, 1, 1)
    assert month_from_text("end", "2009", last=True) == date(2009, 12, 1)


@pytest.mark.parametrize(
    "text", ["", "2009-13", "2009-1", "2009-11-01", "0000-05", "0000", "20091", "soon", "2009-\u0661\u0661"]
)
def test_what_is_no_month_is_refused(text: str) -> None:
    assert not is_month(text)
    with pytest.raises(InvalidInputError, match="is no month: write 2009-11, or 2009 for the year") as caught:
        month_from_text("start", text)
    assert caught.value.violations[0].field == "start"
