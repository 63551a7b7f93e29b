"""The queue: which candidates there are, how they are picked, how far review has come."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from shared.contracts.versions import DatasetVersion
from shared.errors import NotFoundError, UnavailableError
from shared.ports import Catalogue
from svc_label.domain.datasets import SeriesFacts
from svc_label.domain.picking import Pick
from svc_label.domain.progress import Progress
from svc_label.domain.queue import CandidateFilter, Standing
from svc_label.ports import LabelStore, SeriesKey

Versions = Mapping[SeriesKey, DatasetVersion]


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A question to the queue; `dataset` is a reference, empty for all datasets."""

    dataset: str
    wanted: CandidateFilter
    how: Pick
    limit: int
    seed: int

    @property
    def is_random_arm(self) -> bool:
        """Whether chance alone picks: then what is judged of the answer says how good all candidates are."""
        narrowed = self.wanted.decision or self.wanted.min_confidence > 0.0 or self.wanted.max_confidence < 1.0
        return self.how is Pick.RANDOM and not narrowed


def resolved(catalogue: Catalogue, dataset: str, wanted: CandidateFilter) -> CandidateFilter:
    """The filter narrowed to the dataset that the reference names; NotFoundError when there is none."""
    if not dataset:
        return wanted
    version = catalogue.dataset(dataset)
    return replace(wanted, dataset_name=version.name, dataset_digest=version.digest)


class Queue:
    """Reads the queue.

    Args:
        store: the service's database.
        catalogue: knows the datasets and their numbers.
    """

    def __init__(self, *, store: LabelStore, catalogue: Catalogue) -> None:
        self._store = store
        self._catalogue = catalogue

    def ask(self, question: Question, *, asked_by: str) -> tuple[Sequence[Standing], int, Versions]:
        """The candidates picked, how many match, and the versions they speak of.

        It is remembered who was shown what by chance: only such judgements tell the quality of all candidates.
        """
        wanted = resolved(self._catalogue, question.dataset, question.wanted)
        with self._store.reading() as tx:
            picked = tx.candidates.pick(wanted, how=question.how, limit=question.limit, seed=question.seed)
            total = tx.candidates.count(wanted)
            ids = [item.candidate.id for item in picked]
            seeds = tx.draws.seeds(asked_by, ids)
        if question.is_random_arm:
            self._remember_draws(asked_by, [i for i in ids if seeds.get(i) != question.seed], question.seed)
        elif seeds:
            self._forget_draws(asked_by, list(seeds))
        return picked, total, self._versions((i.candidate.dataset_name, i.candidate.dataset_digest) for i in picked)

    def progress(self, dataset: str) -> tuple[Sequence[Progress], Versions]:
        """Counts per dataset, labeler and reviewer, with the versions they speak of."""
        wanted = resolved(self._catalogue, dataset, CandidateFilter())
        with self._store.reading() as tx:
            rows = tx.candidates.progress(wanted)
        return rows, self._versions((row.dataset_name, row.dataset_digest) for row in rows)

    def _remember_draws(self, drawn_by: str, ids: Sequence[str], seed: int) -> None:
        if ids:
            with self._store.transaction() as tx:
                tx.draws.remember(drawn_by, ids, seed)

    def _forget_draws(self, drawn_by: str, ids: Sequence[str]) -> None:
        with self._store.transaction() as tx:
            tx.draws.forget(drawn_by, ids)

    def _versions(self, keys: Iterable[SeriesKey]) -> Versions:
        """Versions with their numbers, where the registry has given them by now."""
        with self._store.reading() as tx:
            known = tx.series.find(set(keys))
        return {key: facts.version if facts.version.version else self._numbered(facts) for key, facts in known.items()}

    def _numbered(self, facts: SeriesFacts) -> DatasetVersion:
        version = facts.version
        try:
            version = self._catalogue.dataset_by_digest(version.name, version.digest)
        except (NotFoundError, UnavailableError):
            return version  # it has no number yet, or nobody can say: reading goes on without
        with self._store.transaction() as tx:
            tx.series.remember(replace(facts, version=version))
        return version
