from __future__ import annotations

import pytest

from upwell.client.failures import in_sentences
from upwell.common.v1 import common_pb2


@pytest.mark.parametrize(
    ("reason", "remedy", "said"),
    [
        ("no index is made", "Correct the dataset.", "no index is made. Correct the dataset."),
        ("The loss is not a number.", "Lower learning_rate.", "The loss is not a number. Lower learning_rate."),
        ("没有数据。", "", "没有数据。"),
        ("no index is made", "", "no index is made."),
        ("", "", ""),
    ],
)
def test_reason_and_remedy_are_sentences(reason: str, remedy: str, said: str) -> None:
    assert in_sentences(common_pb2.Failure(reason=reason, remedy=remedy)) == said
