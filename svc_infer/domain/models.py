"""The life of a model version in this server."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from shared.contracts.versions import ModelVersion
from shared.contracts.work import Failure
from shared.errors import IntegrityError, NotFoundError, StateError, UpwellError


class ModelState(StrEnum):
    """loading -> ready | failed."""

    LOADING = "loading"
    READY = "ready"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelStatus:
    """How a version does; `queue_length` counts requests that wait in front of it."""

    version: ModelVersion
    state: ModelState
    aliases: tuple[str, ...] = ()
    failure: Failure | None = None
    queue_length: int = 0
    ready_at: datetime | None = None


class ModelRefusedError(StateError):
    """The version was fetched and is not served; `failure` says why."""

    def __init__(self, version: ModelVersion, failure: Failure) -> None:
        super().__init__(f"{version} was refused and is not served: {failure.reason}")
        self.failure = failure


class UnsignedError(IntegrityError):
    """The version's bundle has no signature by a key that is trusted here."""


def refusal(error: Exception) -> Failure:
    """Why a version is not served, for a person."""
    if isinstance(error, UnsignedError):
        return Failure(
            cause="unsigned", reason=str(error), remedy="Sign it (`upwell models sign NAME@VERSION --key FILE`)."
        )
    if isinstance(error, IntegrityError | NotFoundError):
        return Failure(
            cause="integrity" if isinstance(error, IntegrityError) else "not_found",
            reason=str(error),
            remedy="Train or publish the version again, or promote another one.",
        )
    if isinstance(error, UpwellError):
        return Failure(cause="invalid_bundle", reason=str(error))
    return Failure(
        cause="internal_error",
        reason=f"loading failed unexpectedly: {type(error).__name__}",
        remedy="The service's log holds the details.",
    )
