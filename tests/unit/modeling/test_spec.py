from __future__ import annotations

import pytest

from shared.errors import IntegrityError, InvalidInputError
from shared.modeling.series.spec import SeriesSpec, parse_spec


def test_it_survives_json():
    spec = SeriesSpec(window=64, patch=4, labels=("a", "b"), threshold=0.3, stride=32)
    assert parse_spec(spec.to_json()) == spec


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"window": 500}, "window"),
        ({"patch": 0}, "window"),
        ({"stride": 0}, "stride"),
        ({"stride": 513}, "stride"),
        ({"threshold": 0.0}, "threshold"),
        ({"threshold": 1.0}, "threshold"),
        ({"labels": ()}, "labels"),
        ({"labels": ("a", "a")}, "labels"),
        ({"prompt": "values <ts> follow"}, "prompt"),
    ],
)
def test_what_does_not_fit_together_is_refused(changes, field: str):
    with pytest.raises(InvalidInputError) as caught:
        SeriesSpec(**changes)
    assert [violation.field for violation in caught.value.violations] == [field]


@pytest.mark.parametrize("changes", [{"window": 500}, {"labels": None}, {"depth": 3}, {"window": "many"}])
def test_a_bundles_spec_is_read_strictly(changes):
    with pytest.raises(IntegrityError, match="spec"):
        parse_spec({**SeriesSpec().to_json(), **changes})
    with pytest.raises(IntegrityError, match="has the fields"):
        parse_spec({"window": 512})
