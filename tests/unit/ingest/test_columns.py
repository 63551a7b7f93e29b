"""Which column is the time, which are channels."""

from __future__ import annotations

from typing import Any

import pytest

from shared.errors import InvalidInputError
from svc_ingest.domain.columns import choose_columns
from svc_ingest.domain.read_options import read_options


@pytest.mark.parametrize(
    ("names", "time"),
    [
        (["a", "Time", "b"], "Time"),
        (["quality_index", "timestamp"], "timestamp"),
        (["a", "time_utc"], "time_utc"),
        (["a", "Time (s)"], "Time (s)"),
        (["时间", "温度"], "时间"),
        (["runtime", "date"], "date"),
    ],
)
def test_the_time_column_is_told_by_its_name(names: list[str], time: str) -> None:
    columns = choose_columns(names, read_options())
    assert columns.time == time
    assert columns.channels == tuple(name for name in names if name != time)


def test_channels_keep_the_order_of_the_file() -> None:
    columns = choose_columns(["time", "b", "a", "c"], read_options(channels=["a", "b"]))
    assert columns.channels == ("b", "a")


def test_a_table_with_channel_and_value_is_long() -> None:
    names = ["time", "channel", "value", "unit"]
    assert choose_columns(names, read_options()).needed == ("time", "channel", "value")
    wide = choose_columns(["time", "channel", "value"], read_options(layout="wide"))
    assert wide.channels == ("channel", "value")


@pytest.mark.parametrize(
    ("names", "options", "says"),
    [
        (["a", "b"], {}, "no column's name says time"),
        (["a;time"], {}, "a column beside the time"),
        (["a;b"], {}, "Is the delimiter ';'?"),
        (["1", "2.5"], {}, "must name the columns"),
        (["time", "a"], {"time_column": "t"}, "options.time_column: there is no column 't'; the file has: 'time', 'a'"),
        (["time", "a"], {"channels": ["b"]}, "options.channels: there is no column 'b'"),
        (["time", "a", "a"], {}, "columns 2 and 3 are both called 'a'"),
        (["time"], {}, "no channel"),
        (["timestamp", "time"], {}, "may not be called 'time'"),
        (["time", "a\tb"], {}, "printable"),
        (["time", "x" * 201], {}, "1 to 200"),
        (["time", *map(str, range(4097))], {}, "4097 channels are more than 4096"),
        (["time", "c", "v"], {"layout": "long"}, "options.channel_column: there is no column 'channel'"),
        (["time", "v"], {"value_column": "v", "channel_column": "v"}, "must be three columns"),
    ],
)
def test_what_does_not_fit_is_refused(names: list[str], options: dict[str, Any], says: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        choose_columns(names, read_options(**options))
    assert says in str(caught.value)
