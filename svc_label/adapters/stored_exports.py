"""Exports: `segments.parquet` and `reviews.parquet`, the same bytes for an equal export."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from shared.contracts.kinds import Kind
from shared.contracts.series import REVIEWS_FILE, SEGMENTS_FILE
from shared.ports import ArtifactStore
from svc_label.adapters.scratch import Scratch
from svc_label.domain.exports import ApprovedClaim, Export

STRING, INTEGER = pa.string(), pa.int64()
SEGMENTS = pa.schema(
    {
        "series": STRING,
        "series_digest": STRING,
        "start_row": INTEGER,
        "end_row": INTEGER,
        "start_time": INTEGER,
        "end_time": INTEGER,
        "channel": STRING,
        "label": STRING,
        "confidence": pa.float64(),
        "candidate_id": STRING,
        "review_id": STRING,
        "reviewer": STRING,
        "labeler": STRING,
    }
)
REVIEWS = pa.schema(
    {
        "review_id": STRING,
        "candidate_id": STRING,
        "labeler": STRING,
        "decision": STRING,
        "reviewer": STRING,
        "decided_at": pa.timestamp("us", tz="UTC"),
        "reason": STRING,
        "in_bulk": pa.bool_(),
        "pick": STRING,
        "seed": INTEGER,
    }
)


class ArtifactExports:
    """The `StoredExports` port."""

    def __init__(self, artifacts: ArtifactStore, scratch: Scratch) -> None:
        self._artifacts = artifacts
        self._scratch = scratch

    def store(self, export: Export) -> str:
        """Write and upload both files; see the port."""
        with self._scratch.folder() as folder:
            files = {SEGMENTS_FILE: folder / SEGMENTS_FILE, REVIEWS_FILE: folder / REVIEWS_FILE}
            _write([_segment_row(claim) for claim in export.claims], SEGMENTS, files[SEGMENTS_FILE])
            _write([_review_row(claim) for claim in export.claims], REVIEWS, files[REVIEWS_FILE])
            manifest = self._artifacts.store(
                kind=Kind.SEGMENTS, files=files, meta=export.to_meta(), parents=export.parents
            )
        return manifest.digest


def _segment_row(claim: ApprovedClaim) -> dict[str, Any]:
    segment, candidate = claim.segment, claim.candidate
    return {
        "series": candidate.dataset_name,
        "series_digest": candidate.dataset_digest,
        "start_row": segment.start_row,
        "end_row": segment.end_row,
        "start_time": segment.start_time,
        "end_time": segment.end_time,
        "channel": segment.channel,
        "label": segment.label,
        "confidence": segment.confidence,
        "candidate_id": candidate.id,
        "review_id": claim.review.id,
        "reviewer": claim.review.reviewer,
        "labeler": candidate.labeler,
    }


def _review_row(claim: ApprovedClaim) -> dict[str, Any]:
    review = claim.review
    return {
        "review_id": review.id,
        "candidate_id": review.candidate_id,
        "labeler": claim.candidate.labeler,
        "decision": str(review.decision),
        "reviewer": review.reviewer,
        "decided_at": review.decided_at,
        "reason": review.reason,
        "in_bulk": review.in_bulk,
        "pick": str(review.pick or ""),
        "seed": review.seed,
    }


def _write(rows: Sequence[dict[str, Any]], schema: Any, path: Path) -> None:
    table = pa.Table.from_pylist(list(rows), schema=schema)
    pq.write_table(table, path, version="2.6", compression="zstd", store_schema=False)
