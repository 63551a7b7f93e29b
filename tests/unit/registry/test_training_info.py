"""What a `training_info.json` may say, and how what it may not is named."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import InvalidInputError
from svc_registry.domain.documents import MAX_BYTES, MOST_WRONG, read_document
from svc_registry.domain.training_info import TrainingInfo, parse_training_info
from tests.support.histories import FIRST, SECOND, entry, info


def parsed(document: Any) -> TrainingInfo:
    return parse_training_info(document)[0]


def wrong_fields(document: Any) -> list[str]:
    with pytest.raises(InvalidInputError) as caught:
        parse_training_info(document)
    return [violation.field for violation in caught.value.violations]


def with_entry(**changed: Any) -> dict[str, Any]:
    return {**info("x", [FIRST]), "training_history": [{**FIRST, **changed}]}


def test_a_whole_file_is_read() -> None:
    found = parsed(info("文档", [FIRST, SECOND], stage="stage2"))
    assert (found.model, found.stage, found.total_steps, len(found.entries)) == ("文档", "stage2", 350, 2)
    first = found.entries[0]
    assert first.metrics == {"loss": FIRST["metrics"]["loss"], "eval.f1": 0.75}
    assert first.hyperparameters == FIRST["hyperparams"]
    assert (first.started_at, first.run_id) == (datetime(2026, 3, 1, 8, tzinfo=UTC), "")


def test_little_is_needed() -> None:
    document = {"model_name": "x", "training_history": [{"dataset": "d", "steps": 0}]}
    found, remarks = parse_training_info(document)
    assert (found.stage, found.base_model, found.entries[0].epochs) == ("", "", 0.0)
    assert [remark.field for remark in remarks] == ["base_model"]


@pytest.mark.parametrize(
    ("document", "fields"),
    [
        ([], ["(file)", "training_history", "model_name"]),
        ({}, ["training_history", "model_name"]),
        (info("x", [FIRST], model_name=" "), ["model_name"]),
        (info("x", [FIRST], model_name="../"), ["model_name"]),
        (info("x", [FIRST], model_name="x" * 101), ["model_name"]),
        (info("x", [FIRST], stage=[1]), ["stage"]),
        (info("x", [FIRST], base_model="a\x00b"), ["base_model"]),
        (info("x", [FIRST], total_steps=-1), ["total_steps"]),
        (info("x", [FIRST], total_steps=True), ["total_steps"]),
        (info("x", [FIRST], created_at="yesterday", last_updated=5), ["created_at", "last_updated"]),
        (info("x", [FIRST], training_history={"a": 1}), ["training_history"]),
        (
            info("x", [FIRST], training_history=["a"]),
            ["training_history[0]", "training_history[0].dataset", "training_history[0].steps"],
        ),
        (with_entry(dataset=""), ["training_history[0].dataset"]),
        (with_entry(dataset="x" * 501), ["training_history[0].dataset"]),
        (with_entry(steps="10"), ["training_history[0].steps"]),
        (with_entry(steps=1.5), ["training_history[0].steps"]),
        (with_entry(steps=-3), ["training_history[0].steps"]),
        (with_entry(steps=None), ["training_history[0].steps"]),
        (with_entry(epochs=-1), ["training_history[0].epochs"]),
        (with_entry(metrics=[1]), ["training_history[0].metrics"]),
        (with_entry(hyperparams="lr=1"), ["training_history[0].hyperparams"]),
        (with_entry(start_time="2026-13-01"), ["training_history[0].start_time"]),
        (with_entry(start_time="0001-01-01T00:00:00+10:00"), ["training_history[0].start_time"]),
        (with_entry(end_time="2026-02-01T00:00:00"), ["training_history[0].end_time"]),
        (with_entry(run_id="a b"), ["training_history[0].run_id"]),
        (info("x", [entry("d", 1, run_id="r"), entry("e", 1, run_id="r")]), ["training_history[1].run_id"]),
    ],
)
def test_each_wrong_field_is_named_by_its_path(document: Any, fields: list[str]) -> None:
    assert sorted(wrong_fields(document)) == sorted(fields)


def test_every_wrong_field_is_named_at_once_with_what_is_allowed() -> None:
    with pytest.raises(InvalidInputError, match=r"steps: must be a whole number from 0 up, not -1.*end_time") as caught:
        parse_training_info(with_entry(steps=-1, end_time="never"))
    assert len(caught.value.violations) == 2


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"total_steps": 7}, "total_steps"),
        ({"last_dataset": "other"}, "last_dataset"),
        ({"base_model": None}, "base_model"),
    ],
)
def test_what_is_odd_is_a_remark_and_hinders_nothing(changed: dict[str, Any], field: str) -> None:
    assert [remark.field for remark in parse_training_info(info("x", [FIRST], **changed))[1]] == [field]


def test_an_end_before_a_start_of_another_zone_may_be_a_local_time() -> None:
    local = with_entry(start_time="2026-03-01T16:00:00", end_time="2026-03-01T09:00:00Z")
    assert parsed(local).entries[0].finished_at == datetime(2026, 3, 1, 9, tzinfo=UTC)


@pytest.mark.parametrize(
    ("written", "name"),
    [("parent finder", "parent-finder"), ("org/model", "org-model"), ("文档 一", "文档-一"), ("x/", "x")],
)
def test_a_model_name_becomes_one_that_a_reference_can_hold(written: str, name: str) -> None:
    assert parsed(info(written, [FIRST])).model == name


def test_whole_numbers_may_be_written_as_floats_and_stages_as_numbers() -> None:
    assert parsed(with_entry(steps=10.0)).entries[0].steps == 10
    assert parsed(info("x", [FIRST], stage=2)).stage == "2"


def test_keys_tell_histories_apart_by_base_and_all_that_came_before() -> None:
    both, one = parsed(info("x", [FIRST, SECOND])).keys, parsed(info("y", [FIRST], stage="other")).keys
    assert both[0] == one[0]
    assert len({*both, *parsed(info("x", [SECOND, FIRST])).keys, *parsed(info("x", [FIRST], base_model="b")).keys}) == 5
    assert parsed(info("x", [entry("d", 1, run_id="run-7")])).keys == ("run-7",)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "not JSON"),
        (b"{", "not JSON"),
        (b"\xff", "not UTF-8"),
        (b"[" * 100_000, "nested"),
        (b"[" * 40 + b"]" * 40, "nested"),
        (b'{"a": 1, "a": 2}', "given twice"),
        (b'{"a": {"b": NaN}}', r"a\.b: nan is no number"),
        (b'{"a": [1, -Infinity]}', r"a\[1\]: -inf is no number"),
        (b'{"a": 1e999}', "a: inf is no number"),
        (b'{"a": ' + b"9" * 400 + b"}", "is no number"),
        (b"9" * 5000, "not JSON"),
        (b'{"a": "\\ud800"}', "a: holds half of a surrogate pair"),
        (b'{"\\ud800": 1}', "holds half of a surrogate pair"),
        (b'{"\\ud800": 1, "\\ud800": 2}', r"^\?: is given twice"),
        (b'{"' + b"a" * 1000 + b'": [NaN]}', r"^a{80}…\[0\]: nan"),
        (b" " * (MAX_BYTES + 1), "at most"),
    ],
)
def test_what_is_no_document_is_refused(content: bytes, reason: str) -> None:
    with pytest.raises(InvalidInputError, match=reason):
        read_document(content)


@pytest.mark.timeout(10)
@pytest.mark.parametrize(
    ("content", "count"),
    [
        (b'{"' + b"a" * 500_000 + b'": [' + b"1," * 250_000 + b"1]}", 0),
        (b"[" + b"NaN," * 200_000 + b"NaN]", MOST_WRONG),
        (b"{" + b",".join(b'"%d":1,"%d":1' % (number, number) for number in range(50_000)) + b"}", MOST_WRONG),
    ],
    ids=["a long name before many values", "many wrong values", "many names twice"],
)
def test_a_large_file_costs_little_however_wrong_it_is(content: bytes, count: int) -> None:
    assert len(content) <= MAX_BYTES
    found = 0
    try:
        read_document(content)
    except InvalidInputError as error:
        found = len(error.violations)
    assert found == count


def test_a_byte_order_mark_is_no_hindrance() -> None:
    assert read_document("\ufeff{}".encode()) == {}


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=20,
)


@given(json_values)
def test_whatever_json_holds_is_read_as_it_was_written(value: Any) -> None:
    assert json.dumps(read_document(json.dumps(value).encode())) == json.dumps(value)


def refused(document: Any) -> list[str] | None:
    """The fields that are wrong; None for a file that can be read."""
    try:
        assert parsed(document).keys
    except InvalidInputError as error:
        return [violation.field for violation in error.violations]
    return None


@given(st.dictionaries(st.sampled_from(["model_name", "stage", "total_steps", "training_history"]), json_values))
def test_nothing_but_a_refusal_comes_of_nonsense(document: dict[str, Any]) -> None:
    assert refused(document) != []


@given(json_values)
def test_nothing_but_a_refusal_comes_of_a_nonsense_entry(value: Any) -> None:
    for name in ("dataset", "steps", "epochs", "metrics", "hyperparams", "start_time", "end_time", "run_id"):
        fields = refused(with_entry(**{name: value}))
        assert fields is None or {field.split(".")[0] for field in fields} == {"training_history[0]"}
