"""The base of a run, as its bundle names it."""

from __future__ import annotations

from shared.modeling.bases import content_digest
from shared.modeling.bundle import BaseIdentity
from svc_train.recipes.base import TrainingJob


def base_identity(job: TrainingJob) -> BaseIdentity | None:
    """The identity of the run's base; None where it has none."""
    if job.base is None:
        return None
    return BaseIdentity(name=job.base.name, digest=job.base.digest, content_digest=content_digest(job.base.folder))
