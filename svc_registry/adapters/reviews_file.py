"""Review files as svc_label writes them: `reviews.parquet`, read in batches and two columns at a time."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from shared.contracts.manifest import FileEntry
from shared.errors import IntegrityError
from shared.ports import ArtifactStore
from svc_registry.domain.reviews import ReviewedCandidate

COLUMNS = ("candidate_id", "reviewer", "decision")
REJECTED = "rejected"
BATCH_ROWS = 10_000
MAX_BYTES = 2**30
LONGEST_NAME = 500


class ParquetReviews:
    """The `ReviewFiles` port.

    Args:
        artifacts: where the files lie.
        folder: for a file while it is read; made when it is missing.
    """

    def __init__(self, artifacts: ArtifactStore, folder: Path) -> None:
        self._artifacts = artifacts
        self._folder = folder

    @contextmanager
    def opened(self, entry: FileEntry) -> Iterator[Iterator[Sequence[ReviewedCandidate]]]:
        """Download, verify, and read while the block lasts."""
        if entry.size_bytes > MAX_BYTES:
            raise IntegrityError(f"{entry.path} has {entry.size_bytes} bytes; up to {MAX_BYTES} are read")
        self._folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=self._folder, prefix="reviews-") as folder:
            path = Path(folder) / "reviews.parquet"
            self._artifacts.fetch_file(entry, path)
            yield _batches(path, entry.path)


def _batches(path: Path, name: str) -> Iterator[Sequence[ReviewedCandidate]]:
    try:
        with pq.ParquetFile(path) as file:
            missing = [column for column in COLUMNS if column not in file.schema_arrow.names]
            if missing:
                raise IntegrityError(f"{name} has no column {', '.join(missing)}")
            for batch in file.iter_batches(batch_size=BATCH_ROWS, columns=list(COLUMNS)):
                yield _approved(batch, name)
    except (pa.ArrowException, OSError) as error:
        raise IntegrityError(f"{name} is no Parquet file that can be read: {error}") from error


def _approved(batch: pa.RecordBatch, name: str) -> list[ReviewedCandidate]:
    approved = []
    for candidate_id, reviewer, decision in zip(*(batch[column].to_pylist() for column in COLUMNS), strict=True):
        if not (_is_name(candidate_id) and _is_name(reviewer)):
            raise IntegrityError(f"{name} has a row without candidate or reviewer that could be indexed")
        if decision != REJECTED:
            approved.append(ReviewedCandidate(candidate_id, reviewer))
    return approved


def _is_name(value: object) -> bool:
    """Whatever svc_label writes is one; a file that somebody uploaded may hold what no database takes."""
    return isinstance(value, str) and 0 < len(value) <= LONGEST_NAME and value.isprintable()
