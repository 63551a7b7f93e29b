"""The files of a prediction, `prediction/v1`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from shared.contracts.series import Segment
from shared.contracts.versions import DatasetVersion, ModelVersion
from svc_infer.domain.findings import Findings

SEGMENTS_FILE = "segments.json"
METRICS_FILE = "metrics.json"


def segments_file(dataset: DatasetVersion, model: ModelVersion, segments: Sequence[Segment]) -> bytes:
    """What was found, in which version, by which: svc_label makes candidates of it."""
    return _json(
        {
            "dataset": {"name": dataset.name, "digest": dataset.digest, "version": dataset.version},
            "model": {"name": model.name, "version": model.version, "run_id": model.run_id},
            "segments": [asdict(segment) for segment in segments],
        }
    )


def metrics_file(findings: Findings, *, segment_count: int, seconds: float) -> bytes:
    """How much was looked at, how long that took, and how the scores are spread (see `QUANTILES`)."""
    return _json(
        {
            "rows": findings.rows,
            "channels": findings.channels,
            "segment_count": segment_count,
            "seconds": round(seconds, 3),
            "score_quantiles": findings.score_quantiles,
        }
    )


def _json(body: Any) -> bytes:
    return json.dumps(body, ensure_ascii=False, allow_nan=False).encode() + b"\n"
