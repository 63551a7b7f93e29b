"""A training that went wrong by itself: the data and the hyperparameters were allowed, the numbers were not."""

from __future__ import annotations

from shared.errors import PermanentError


class TrainingFailedError(PermanentError):
    """Trying the same again gives the same; `remedy` says what to change.

    Args:
        cause: short and machine-readable, e.g. `nan_loss`.
        reason: one sentence for a person.
        remedy: what to change.
    """

    def __init__(self, *, cause: str, reason: str, remedy: str) -> None:
        super().__init__(reason)
        self.cause = cause
        self.remedy = remedy
