"""What callers may send."""

from __future__ import annotations

import numpy as np
import pytest

from shared.errors import InvalidInputError
from svc_infer.wire.series import series_values
from upwell.infer.v1 import infer_service_pb2 as pb


def call(*series: pb.Series) -> pb.PredictRequest:
    return pb.PredictRequest(model="pump", series=series)


def channel(values, name="flow") -> pb.Channel:
    return pb.Channel(name=name, values=values)


def refused(request: pb.PredictRequest) -> tuple[str, str]:
    """The field and the reason."""
    with pytest.raises(InvalidInputError) as error:
        series_values(request)
    [violation] = error.value.violations
    assert str(error.value) == f"{violation.field}: {violation.reason}"
    return violation.field, violation.reason


def test_values_and_times_come_through():
    [one, two] = series_values(
        call(
            pb.Series(id="a", channels=[channel([1, 2.5]), channel([3, -4], "load")], times=[-5, 7]),
            pb.Series(channels=[channel([0.0] * 3, "")]),
        )
    )
    assert (one.id, one.channels) == ("a", ("flow", "load"))
    assert one.values.tolist() == [[1, 3], [2.5, -4]]
    assert one.times.tolist() == [-5, 7]
    assert (two.id, two.channels) == ("", ("value",))
    assert two.times.tolist() == [0, 1, 2], "rows are counted where no times are sent"
    assert one.values.dtype == np.float64
    assert one.times.dtype == np.int64


def test_times_may_reach_to_both_ends_of_their_range():
    [one] = series_values(call(pb.Series(channels=[channel([1, 2])], times=[-(2**63), 2**63 - 1])))
    assert one.times.tolist() == [-(2**63), 2**63 - 1]


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_a_value_that_is_no_number_is_named_by_its_place(value):
    good = pb.Series(channels=[channel([1.0])])
    bad = pb.Series(id="s-2", channels=[channel([1, 2, 3]), channel([1, 2, value], "load")])
    field, reason = refused(call(good, bad))
    assert field == "series[1].channels[1].values[2]"
    assert reason == f"value 2 of channel 'load' of series 's-2' is {value}; send finite numbers"


def test_values_near_the_largest_number_are_numbers():
    series_values(call(pb.Series(channels=[channel([1.7e308] * 4)])))


@pytest.mark.parametrize(
    ("request_", "field", "words"),
    [
        (call(), "series", "0 series were sent; send 1 to 64 in a call"),
        (call(*[pb.Series(channels=[channel([1.0])])] * 65), "series", "65 series were sent"),
        (call(pb.Series()), "series[0].channels", "the series has 0 channels; send 1 to 64"),
        (
            call(pb.Series(channels=[channel([1.0], str(number)) for number in range(65)])),
            "series[0].channels",
            "has 65 channels",
        ),
        (call(pb.Series(channels=[channel([])])), "series[0].channels[0].values", "channel 'flow' has 0 values"),
        (
            call(pb.Series(id="a", channels=[channel([1, 2]), channel([1], "load")])),
            "series[0].channels[1].values",
            "channel 'load' of series 'a' has 1 values, channel 'flow' has 2; send the same number in each",
        ),
        (
            call(pb.Series(channels=[channel([1.0], ""), channel([1.0], "value")])),
            "series[0].channels[1].name",
            "'value' is sent twice",
        ),
        (
            call(pb.Series(channels=[channel([1, 2])], times=[1])),
            "series[0].times",
            "1 times were sent for 2 rows; send one a row, or none",
        ),
        (
            call(pb.Series(channels=[channel([1, 2, 3])], times=[5, 6, 6])),
            "series[0].times[2]",
            "6 does not come after 6: times must increase",
        ),
    ],
)
def test_what_does_not_fit_is_refused_with_its_place(request_, field, words):
    found, reason = refused(request_)
    assert found == field
    assert words in reason
