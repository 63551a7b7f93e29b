from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from shared.contracts.series import Segment
from shared.errors import InvalidInputError
from svc_label.domain.candidates import Candidate

SEGMENT = Segment(start_row=3, end_row=7, start_time=30, end_time=60, channel="a", label="anomaly", confidence=0.5)


def candidate(**changes: Any) -> Candidate:
    fields = {"dataset_name": "pump", "dataset_digest": "d" * 64, "labeler": "robust", "segment": SEGMENT, **changes}
    return Candidate(**fields)


def test_the_same_proposal_is_the_same_candidate_in_every_process() -> None:
    assert candidate().id == candidate().id == "c4cd31a6-f9f8-5439-a1c5-bd857bac532e"


def test_a_second_run_may_be_surer_of_the_same_candidate() -> None:
    assert candidate(segment=replace(SEGMENT, confidence=0.9)).id == candidate().id


@pytest.mark.parametrize(
    "changes",
    [
        {"dataset_name": "pump-2"},
        {"dataset_digest": "e" * 64},
        {"labeler": "inject"},
        {"segment": replace(SEGMENT, channel="b")},
        {"segment": replace(SEGMENT, label="spike")},
        {"segment": replace(SEGMENT, start_row=2)},
        {"segment": replace(SEGMENT, end_row=8)},
    ],
)
def test_another_claim_is_another_candidate(changes: dict[str, Any]) -> None:
    assert candidate(**changes).id != candidate().id


@pytest.mark.parametrize("confidence", [-0.1, 1.1, float("nan")])
def test_a_confidence_lies_between_zero_and_one(confidence: float) -> None:
    with pytest.raises(InvalidInputError, match="confidence"):
        candidate(segment=replace(SEGMENT, confidence=confidence))
