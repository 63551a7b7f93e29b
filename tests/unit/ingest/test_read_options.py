"""Reading choices are checked in one place, all of them at once."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import pytest

from shared.errors import InvalidInputError
from svc_ingest.domain.options import Layout, Missing, ReadOptions, TimeFormat
from svc_ingest.domain.read_options import read_options


def test_empty_values_mean_the_defaults() -> None:
    assert read_options() == ReadOptions()


def test_options_survive_being_stored_as_plain_values() -> None:
    options = read_options(
        layout="long", time_format="ms", timezone="Asia/Shanghai", channel_column="名称", channels=["a"],
        delimiter="tab", encoding="GB18030", missing="keep", downsample_to=100, max_line_bytes=64,
    )  # fmt: skip
    assert options.layout is Layout.LONG
    assert options.time_format is TimeFormat.MILLISECONDS
    assert options.missing is Missing.KEEP
    assert options.delimiter == "\t"
    assert options.encoding == "gb18030"
    assert read_options(**asdict(options)) == options


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("layout", "tall", "auto, wide, long"),
        ("time_format", "minutes", "auto, iso8601, s, ms, us, ns, index"),
        ("timezone", "+08:00", "Asia/Shanghai"),
        ("timezone", "../../etc/passwd", "IANA"),
        ("timezone", "Europe", "IANA"),
        ("channels", "abc", "a list of names"),
        ("channels", ["a", ""], "empty"),
        ("channels", ["a", "b", "a"], "'a' is listed twice"),
        ("delimiter", ",,", "one separating character"),
        ("delimiter", "7", "one separating character"),
        ("delimiter", '"', "one separating character"),
        ("encoding", "unicode_escape", "utf-8, utf-16"),
        ("encoding", "martian\0", "utf-8, utf-16"),
        ("max_line_bytes", 63, "between 64 and 67108864"),
        ("max_line_bytes", -1, "between 64 and 67108864"),
        ("missing", "drop", "refuse, keep"),
        ("downsample_to", 3, "between 4 and 10000000"),
    ],
)
def test_a_wrong_value_is_named_with_what_is_allowed(field: str, value: Any, says: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        read_options(**{field: value})
    (violation,) = caught.value.violations
    assert violation.field == f"options.{field}"
    assert says in violation.reason


def test_all_wrong_fields_are_told_together() -> None:
    with pytest.raises(InvalidInputError) as caught:
        read_options(layout="tall", missing="drop", downsample_to=-5)
    fields = [violation.field for violation in caught.value.violations]
    assert fields == ["options.layout", "options.missing", "options.downsample_to"]


def test_columns_of_the_long_layout_do_not_go_with_the_wide_one() -> None:
    with pytest.raises(InvalidInputError, match="channel_column: 'c' is for the long layout"):
        read_options(layout="wide", channel_column="c")
