from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from shared.contracts.parameters import describe_parameters, parameter, parameters_as_json, parse_parameters
from shared.errors import InvalidInputError


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    window: int = parameter(51, low=3, high=101, help="Rows.")
    threshold: float = parameter(4.0, low=0.5)
    lengths: tuple[int, ...] = parameter((), low=4, high=64)
    bounds: tuple[float, float] = parameter((0.5, 2.0), low=0.0, high=9.0)
    kinds: tuple[str, ...] = parameter(("spike",), choices=("spike", "drift"))
    exact: bool = parameter(default=False)
    since: str = parameter("", digits=True)


def test_absent_parameters_take_their_defaults() -> None:
    assert parse_parameters(Sample, {}) == Sample()


def test_values_come_as_protobuf_carries_them() -> None:
    values = {
        "window": 21.0,
        "threshold": 3,
        "lengths": [8.0, 16.0],
        "bounds": [1, 2],
        "kinds": ["drift"],
        "exact": True,
    }
    parsed = parse_parameters(Sample, values)
    assert parsed == Sample(window=21, threshold=3.0, lengths=(8, 16), bounds=(1.0, 2.0), kinds=("drift",), exact=True)
    assert all(type(v) is int for v in (parsed.window, *parsed.lengths))
    assert parse_parameters(Sample, parameters_as_json(parsed)) == parsed


@pytest.mark.parametrize(
    ("values", "field", "says"),
    [
        ({"windw": 5}, "parameters.windw", "did you mean 'window'"),
        ({"zzz": 5}, "parameters.zzz", "use window, threshold, lengths, bounds, kinds, exact"),
        ({"exact": 1}, "parameters.exact", "1 is not true or false"),
        ({"window": 2}, "parameters.window", "use 3 to 101"),
        ({"window": 102}, "parameters.window", "use 3 to 101"),
        ({"window": 5.5}, "parameters.window", "5.5 is not a whole number"),
        ({"window": "5"}, "parameters.window", "'5' is not a number"),
        ({"window": True}, "parameters.window", "True is not a number"),
        ({"window": None}, "parameters.window", "None is not a number"),
        ({"threshold": 0.4}, "parameters.threshold", "use 0.5 or more"),
        ({"threshold": float("nan")}, "parameters.threshold", "not a finite number"),
        ({"threshold": float("inf")}, "parameters.threshold", "not a finite number"),
        ({"lengths": 8}, "parameters.lengths", "8 is not a list: write it as one, --set 'lengths=[8]'"),
        ({"lengths": 8.0}, "parameters.lengths", "8.0 is not a list: write it as one, --set 'lengths=[8]'"),
        ({"lengths": None}, "parameters.lengths", "None is not a list"),
        ({"lengths": float("nan")}, "parameters.lengths", "nan is not a list"),
        ({"bounds": 1.5}, "parameters.bounds", "1.5 is not a list: write it as one, --set 'bounds=[1.5, 1.5]'"),
        ({"kinds": "尖"}, "parameters.kinds", "'尖' is not a list: write it as one, --set 'kinds=[\"尖\"]'"),
        ({"lengths": "8"}, "parameters.lengths", "'8' is not a list"),
        ({"lengths": [8, 2]}, "parameters.lengths[1]", "use 4 to 64"),
        ({"bounds": [1.0]}, "parameters.bounds", "must have 2 items"),
        ({"kinds": ["spik"]}, "parameters.kinds[0]", "did you mean 'spike'"),
        ({"since": 1982.5}, "parameters.since", "1982.5 is not a text"),
        ({"since": float("inf")}, "parameters.since", "inf is not a text"),
        ({"kinds": [3]}, "parameters.kinds[0]", "3 is not a text"),
    ],
)
def test_a_wrong_parameter_is_named_with_what_is_allowed(values: dict[str, Any], field: str, says: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        parse_parameters(Sample, values)
    assert [v.field for v in caught.value.violations] == [field]
    assert says in str(caught.value)


def test_no_list_of_flags_is_advised() -> None:
    with pytest.raises(InvalidInputError) as caught:
        parse_parameters(Sample, {"bounds": True})
    assert caught.value.violations[0].reason == "True is not a list"


@pytest.mark.parametrize("given", ["1982", 1982, 1982.0])
def test_a_year_is_a_text_however_it_comes(given: Any) -> None:
    assert parse_parameters(Sample, {"since": given}).since == "1982"


def test_parameters_are_described_in_the_order_of_their_declaration() -> None:
    described = describe_parameters(Sample)
    assert [(one.name, one.type, one.is_list) for one in described] == [
        ("window", "int", False),
        ("threshold", "float", False),
        ("lengths", "int", True),
        ("bounds", "float", True),
        ("kinds", "str", True),
        ("exact", "bool", False),
        ("since", "str", False),
    ]
    assert [one.default for one in described] == [51, 4.0, [], [0.5, 2.0], ["spike"], False, ""]
    assert (described[0].allowed.help, described[0].allowed.high) == ("Rows.", 101)


def test_a_plain_field_takes_any_value_of_its_type() -> None:
    @dataclass(frozen=True)
    class Plain:
        scale: float = 1.0

    assert parse_parameters(Plain, {"scale": 2}).scale == 2.0
