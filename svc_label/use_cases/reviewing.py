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
from svc_label.domain.reviews import check_reviewer
from svc_label.domain.segments import check_claim
from svc_label.ports import LabelStore, LabelTransaction, SeriesKey, StoredSeries
from svc_label.use_cases.queue import resolved
from svc_label.use_cases.recording import Ruling, begin_batch, record_reviews

SHOWN = 5
