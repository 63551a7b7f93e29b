"""How the models in this server do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Protocol

from shared.contracts.names import Reference, parse_reference
from shared.errors import NotFoundError
from svc_infer.domain.models import ModelStatus
from svc_infer.ports import Model
from svc_infer.serving.names import Names
from svc_infer.serving.shelf import Shelf


class Queue(Protocol):
    """What requests wait in."""

    def waiting(self, model: Model) -> int:
        """Requests that wait in front of a model."""


def model_statuses(shelf: Shelf, names: Names, queues: Sequence[Queue], reference: str) -> Sequence[ModelStatus]:
    """Every version here, or those that a reference means; a bare name means all of its versions.

    Raises:
        NotFoundError: no such version is here.
    """
    aliases = names.aliases
    statuses = [
        replace(
            status,
            aliases=tuple(sorted(alias for (_, alias), version in aliases.items() if version == status.version)),
            queue_length=sum(queue.waiting(model) for queue in queues) if model else 0,
        )
        for status, model in shelf.statuses()
    ]
    if not reference:
        return statuses
    wanted = parse_reference("model", reference)
    found = [status for status in statuses if _is_meant(status, wanted)]
    if not found:
        raise NotFoundError(f"This server holds no {reference!r}; it is loaded when it is promoted or first asked")
    return found


def model_health(shelf: Shelf, names: Names) -> Mapping[str, bool]:
    """Model name -> whether a version that one of its aliases names is in memory."""
    health: dict[str, bool] = {}
    for (name, _), version in names.aliases.items():
        health[name] = health.get(name, False) or shelf.holds(version)
    return health


def _is_meant(status: ModelStatus, reference: Reference) -> bool:
    if status.version.name != reference.name:
        return False
    if reference.alias:
        return reference.alias in status.aliases
    return reference.version in {None, status.version.version}
