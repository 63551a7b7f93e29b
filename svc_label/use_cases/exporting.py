"""Exports: what is approved becomes a dataset to learn from."""

from __future__ import annotations

from shared.contracts.kinds import Kind
from shared.contracts.names import check_name
from shared.contracts.versions import DatasetVersion
from shared.errors import StateError
from shared.ports import Catalogue
from svc_label.domain.datasets import check_series
from svc_label.domain.events import DatasetProduced
from svc_label.domain.exports import Export, in_order
from svc_label.domain.quality import estimate_quality
from svc_label.domain.queue import CandidateFilter
from svc_label.ports import LabelStore, StoredExports

PRODUCER = "export"


class Exporting:
    """Makes exports.

    Args:
        store: the service's database.
        catalogue: knows the datasets.
        exports: where exports are stored.
    """

    def __init__(self, *, store: LabelStore, catalogue: Catalogue, exports: StoredExports) -> None:
        self._store = store
        self._catalogue = catalogue
        self._exports = exports

    def export(self, dataset: str, *, output: str, labeler: str) -> tuple[DatasetVersion, Export]:
        """Make a `segments/v1` dataset of the approved candidates of a dataset, and announce it.

        Equal reviews make the same version, so a second export without new decisions changes nothing.

        Args:
            dataset: its reference.
            output: name of the dataset to make; empty means `<dataset>-labels`.
            labeler: only this labeler's candidates; empty means all.

        Raises:
            NotFoundError: there is no such dataset.
            StateError: nothing is approved.
            InvalidInputError: the dataset is no series, or the output is no name.
        """
        series = self._catalogue.dataset(dataset)
        check_series(series, series.kind)
        name = check_name("output", output or f"{series.name}-labels")
        export = self._gather(series, labeler)
        if not export.claims:
            raise StateError(_nothing(series, labeler))
        made = DatasetVersion(name=name, digest=self._exports.store(export), kind=Kind.SEGMENTS)
        with self._store.transaction() as tx:
            tx.outbox.add(DatasetProduced(name=name, kind=Kind.SEGMENTS, digest=made.digest, producer=PRODUCER))
        return made, export

    def _gather(self, series: DatasetVersion, labeler: str) -> Export:
        wanted = CandidateFilter(dataset_name=series.name, dataset_digest=series.digest, labeler=labeler)
        with self._store.reading() as tx:
            claims = in_order(tx.candidates.approved(wanted))
            reviews = tx.reviews.judged(wanted)
            quality = estimate_quality(tx.candidates.ids(wanted), reviews) if reviews else None
        return Export(series=series, claims=claims, quality=quality)


def _nothing(series: DatasetVersion, labeler: str) -> str:
    whose = f" of {labeler!r}" if labeler else ""
    return (
        f"No candidate{whose} for {series} is approved, so there is nothing to export: approve or correct some "
        "(LabelService.Decide, or `upwell review decide`), then export again"
    )
