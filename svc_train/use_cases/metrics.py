"""Questions about the numbers of runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from svc_train.domain.run import StepMetric
from svc_train.ports import TrainStore


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Numbers of a run in order; `next_place` is where the next page begins, None on the last."""

    metrics: Sequence[StepMetric]
    next_place: tuple[int, str] | None
    names: Sequence[str]


def list_metrics(
    store: TrainStore, run_id: str, *, names: Sequence[str], from_step: int, after: tuple[int, str] | None, limit: int
) -> Page:
    """A page of the numbers of a run, by step and then by name; its first one also lists the names there are.

    Raises:
        NotFoundError: there is no such run.
    """
    # No name comes before the empty one: this is the place just before the step.
    place = max(after or (0, ""), (from_step, ""))
    with store.reading() as tx:
        tx.work.get(run_id)
        found = tx.metrics.after(run_id, place, names=names, limit=limit + 1)
        known = tx.metrics.names(run_id) if after is None else ()
    page = found[:limit]
    more = (page[-1].step, page[-1].name) if len(found) > limit else None
    return Page(metrics=page, next_place=more, names=known)
