"""What may be asked for."""

from __future__ import annotations

import pytest

from shared.errors import InvalidInputError
from svc_train.domain.request import RunRequest, check_all

GOOD = RunRequest(recipe="series-lm", dataset="labels@3", model="pump-detector", hyperparameters={"max_steps": 3.0})


def violations_of(request: RunRequest) -> dict[str, str]:
    try:
        check_all(request.checks())
    except InvalidInputError as error:
        return {violation.field: violation.reason for violation in error.violations}
    return {}


def test_a_request_survives_being_recorded():
    assert RunRequest.from_json(GOOD.to_json()) == GOOD


def test_a_good_request_has_no_violations():
    assert violations_of(GOOD) == {}
    full = RunRequest(recipe="r", dataset="泵-7", model="m", base="tiny-qwen", stage="stage1")
    assert violations_of(full) == {}


def test_one_error_names_every_wrong_field():
    wrong = RunRequest(recipe="r", dataset="labels:champion", model="", base="a/b", stage="stage 1")
    assert set(violations_of(wrong)) == {"dataset", "model", "base", "stage"}


@pytest.mark.parametrize("base", ["..", "../up", "/etc", "a/b", ".hidden", "a\\b", "x" * 101])
def test_a_base_is_never_a_path(base):
    reason = violations_of(RunRequest(recipe="r", dataset="d", model="m", base=base))["base"]
    assert "plain name of a folder in the server's bases folder" in reason
