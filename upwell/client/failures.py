"""Failures in sentences."""

from __future__ import annotations

from upwell.common.v1 import common_pb2

ENDS = (".", "!", "?", "。")


def in_sentences(failure: common_pb2.Failure) -> str:
    """Why something failed and what to do; empty where nothing is said.

    A reason need not end as a sentence does, and the remedy must not run into it.
    """
    reason = failure.reason.rstrip()
    if reason and not reason.endswith(ENDS):
        reason += "."
    return f"{reason} {failure.remedy}".strip()
