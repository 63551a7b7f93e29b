"""What a person is told of a process that ended without a word."""

from __future__ import annotations

import pytest

from svc_train.domain.failures import crash


@pytest.mark.parametrize(
    ("exit_code", "cause", "how"),
    [
        (3, "crashed", "ended with exit code 3"),
        (0, "crashed", "ended with exit code 0"),
        (-11, "crashed", "was killed by SIGSEGV"),
        (-9, "killed", "was killed by SIGKILL"),
        (-63, "crashed", "was killed by signal 63"),
    ],
)
def test_a_crash_says_how_the_process_ended(exit_code, cause, how):
    failure = crash(exit_code, ["last line"]).failure
    assert failure.cause == cause
    assert how in failure.reason
    assert failure.evidence == ("last line",)
    assert failure.remedy
