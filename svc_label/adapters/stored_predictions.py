"""Results of prediction jobs: `segments.json`."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

from shared.contracts.kinds import Kind
from shared.contracts.manifest import FileEntry
from shared.contracts.series import Segment
from shared.errors import IntegrityError
from shared.ports import ArtifactStore
from svc_label.adapters.scratch import Scratch

SEGMENTS_JSON = "segments.json"
MAX_BYTES = 256 * 2**20


class ArtifactPredictions:
    """The `StoredPredictions` port."""

    def __init__(self, artifacts: ArtifactStore, scratch: Scratch) -> None:
        self._artifacts = artifacts
        self._scratch = scratch

    def segments(self, result_digest: str) -> Sequence[Segment]:
        """The segments of a result; see the port."""
        manifest = self._artifacts.manifest(result_digest)
        if manifest.kind != Kind.PREDICTION:
            raise IntegrityError(f"The result {result_digest[:12]} is {manifest.kind}, not {Kind.PREDICTION}")
        body = self._read(manifest.file(SEGMENTS_JSON))
        try:
            return [_segment(row) for row in body["segments"]]
        except (KeyError, TypeError, ValueError) as error:
            raise IntegrityError(
                f"{SEGMENTS_JSON} of the result {result_digest[:12]} is not what it should be: {error!r}"
            ) from error

    def _read(self, entry: FileEntry) -> Any:
        if entry.size_bytes > MAX_BYTES:
            raise IntegrityError(f"{SEGMENTS_JSON} has {entry.size_bytes} bytes; at most {MAX_BYTES} are read")
        with self._scratch.folder() as folder:
            path = folder / SEGMENTS_JSON
            self._artifacts.fetch_file(entry, path)
            try:
                return json.loads(path.read_bytes())
            except ValueError as error:
                raise IntegrityError(f"{SEGMENTS_JSON} is no JSON: {error}") from error


def _segment(row: Mapping[str, Any]) -> Segment:
    confidence = float(row["confidence"])
    if not math.isfinite(confidence):
        raise ValueError(f"confidence {confidence}")
    return Segment(
        start_row=int(row["start_row"]),
        end_row=int(row["end_row"]),
        start_time=int(row["start_time"]),
        end_time=int(row["end_time"]),
        channel=str(row["channel"]),
        label=str(row["label"]),
        confidence=confidence,
    )
