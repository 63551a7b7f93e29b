"""Decisions: a batch is recorded whole, once, or not at all."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from shared.errors import ConflictError, NotFoundError
from shared.ports import Catalogue
from svc_label.domain.batches import Batch, BulkDecision, Caller, DecidedBatch, SingleDecision, check_batch, reviewer_of
from svc_label.domain.candidates import Candidate
from svc_label.domain.datasets import SeriesFacts
from svc_label.domain.picking import Pick
from svc_label.domain.segments import check_claim
from svc_label.ports import LabelStore, LabelTransaction, SeriesKey, StoredSeries
from svc_label.use_cases.queue import resolved
from svc_label.use_cases.recording import Ruling, begin_batch, record_reviews

SHOWN = 5


class Reviewing:
    """Records decisions.

    Args:
        store: the service's database.
        catalogue: resolves the dataset of a bulk decision.
        series: knows the times of corrected rows.
    """

    def __init__(self, *, store: LabelStore, catalogue: Catalogue, series: StoredSeries) -> None:
        self._store = store
        self._catalogue = catalogue
        self._series = series

    def decide(self, batch: Batch, caller: Caller) -> DecidedBatch:
        """Record a batch; the same batch again is answered as the first time.

        Raises:
            InvalidInputError: naming every wrong field.
            ForbiddenError: the caller may not decide in this name.
            NotFoundError: a candidate, or the dataset of a bulk decision, does not exist.
            ConflictError: the batch's id is used by another batch.
        """
        check_batch(batch)
        batch = replace(batch, reviewer=reviewer_of(batch, caller))
        with self._store.reading() as tx:
            recorded = tx.reviews.find_batch(batch.id)
        if recorded is None:
            recorded = (
                self._decide_singly(batch, caller) if batch.bulk is None else self._decide_in_bulk(batch, batch.bulk)
            )
        if recorded.request_digest != batch.digest:
            raise ConflictError(f"batch_id: {batch.id!r} is already used by another batch: choose another id")
        return recorded

    def _decide_singly(self, batch: Batch, caller: Caller) -> DecidedBatch:
        decisions = self._with_corrections(batch.decisions)
        ids = [single.candidate_id for single in decisions]
        with self._store.transaction() as tx:
            begun = begin_batch(tx, batch.id, batch.reviewer, request_digest=batch.digest)
            if begun is None:
                return _recorded(tx, batch.id)
            _check_known(ids, tx.candidates.lock(ids))
            seeds = tx.draws.seeds(caller.name, ids)
            return record_reviews(tx, begun, {single.candidate_id: _ruling(single, seeds) for single in decisions})

    def _decide_in_bulk(self, batch: Batch, bulk: BulkDecision) -> DecidedBatch:
        wanted = resolved(self._catalogue, bulk.dataset, bulk.wanted)
        ruling = Ruling(decision=bulk.decision, reason=bulk.reason, in_bulk=True)
        with self._store.transaction() as tx:
            begun = begin_batch(tx, batch.id, batch.reviewer, request_digest=batch.digest)
            if begun is None:
                return _recorded(tx, batch.id)
            return record_reviews(tx, begun, dict.fromkeys(tx.candidates.lock_matching(wanted), ruling))

    def _with_corrections(self, decisions: Sequence[SingleDecision]) -> Sequence[SingleDecision]:
        """The decisions, with every correction completed."""
        ids = [single.candidate_id for single in decisions if single.corrected]
        if not ids:
            return decisions
        with self._store.reading() as tx:
            candidates = tx.candidates.find(ids)
            series = tx.series.find({_key(candidate) for candidate in candidates.values()})
        _check_known(ids, candidates)
        return [
            self._completed(number, single, candidates[single.candidate_id], series) if single.corrected else single
            for number, single in enumerate(decisions)
        ]

    def _completed(
        self, number: int, single: SingleDecision, candidate: Candidate, series: Mapping[SeriesKey, SeriesFacts]
    ) -> SingleDecision:
        """The correction checked, with what the reviewer left to the candidate and to the series."""
        assert single.corrected is not None, "the caller looked"
        facts = series[_key(candidate)]
        claim = replace(
            single.corrected,
            channel=single.corrected.channel or candidate.segment.channel,
            label=single.corrected.label or candidate.segment.label,
            confidence=candidate.segment.confidence,
        )
        check_claim(f"decisions[{number}].corrected", claim, rows=facts.rows, channels=facts.channels)
        first, last = claim.start_row, claim.end_row - 1
        times = self._series.times(facts, {first, last})
        return replace(single, corrected=replace(claim, start_time=times[first], end_time=times[last]))


def _ruling(single: SingleDecision, seeds: Mapping[str, int]) -> Ruling:
    drawn = single.candidate_id in seeds
    return Ruling(
        decision=single.decision,
        reason=single.reason,
        corrected=single.corrected,
        pick=Pick.RANDOM if drawn else None,
        seed=seeds.get(single.candidate_id, 0),
    )


def _recorded(tx: LabelTransaction, batch_id: str) -> DecidedBatch:
    recorded = tx.reviews.find_batch(batch_id)
    assert recorded is not None, "the id is taken"
    return recorded


def _key(candidate: Candidate) -> SeriesKey:
    return candidate.dataset_name, candidate.dataset_digest


def _check_known(ids: Iterable[str], known: Iterable[str]) -> None:
    there = set(known)
    missing = [candidate_id for candidate_id in ids if candidate_id not in there]
    if missing:
        more = f" and {len(missing) - SHOWN} more" if len(missing) > SHOWN else ""
        raise NotFoundError(f"There is no candidate {', '.join(missing[:SHOWN])}{more}; nothing was recorded")
