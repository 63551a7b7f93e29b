"""The base of a run: how its bundle names it, and how much it can read."""

from __future__ import annotations

from shared.errors import InvalidInputError
from shared.modeling.bases import Base, content_digest
from shared.modeling.bundle import BaseIdentity
from svc_train.recipes.base import TrainingJob
from svc_train.recipes.hyperparameters import FIELD


def base_identity(job: TrainingJob) -> BaseIdentity | None:
    """The identity of the run's base; None where it has none."""
    if job.base is None:
        return None
    return BaseIdentity(name=job.base.name, digest=job.base.digest, content_digest=content_digest(job.base.folder))


def check_positions(base: Base, needed: int, *, name: str, what: str) -> None:
    """Refuse rows that are longer than the base can read.

    Args:
        base: any; one that names no highest number of positions reads all.
        needed: positions of the longest row.
        name: the hyperparameter that makes it so long.
        what: the row in words, in the plural.

    Raises:
        InvalidInputError: it has fewer positions.
    """
    positions = getattr(base.decoder.config, "max_position_embeddings", None)
    if positions is not None and needed > positions:
        raise InvalidInputError.of(f"{FIELD}.{name}", f"{what} are more than the base reads, which is {positions}")
