"""Minima and maxima of a stored series, or of the Nino indices of a stored field, for plots."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from shared.contracts.canonical import check_digest
from shared.contracts.kinds import Kind
from shared.contracts.manifest import Manifest
from shared.contracts.series import SERIES_FILE
from shared.errors import InvalidInputError
from shared.ports import ArtifactStore
from svc_ingest.ports import FileReader, Scratch, SeriesCache
from svc_ingest.sources.field.indices import files_of_indices
from svc_ingest.sources.preview import Preview

# gRPC clients take answers of 4 MiB unless they are told otherwise, and a bucket may take 50 bytes.
MAX_BUCKETS = 80_000


class Previews:
    """Looks at series without handing them out."""

    def __init__(self, *, artifacts: ArtifactStore, cache: SeriesCache, reader: FileReader, scratch: Scratch) -> None:
        self._artifacts = artifacts
        self._cache = cache
        self._reader = reader
        self._scratch = scratch

    def preview(self, digest: str, *, channels: Sequence[str], start_row: int, end_row: int, buckets: int) -> Preview:
        """Buckets of the series, or of the indices of the field, whose manifest has this digest.

        Raises:
            InvalidInputError: naming the wrong field.
            NotFoundError: there is no such manifest.
            IntegrityError: what is stored is damaged.
        """
        manifest = self._artifacts.manifest(check_digest("manifest_digest", digest))
        with self._series(manifest) as path:
            found = self._reader.preview(path, channels=channels, start_row=start_row, end_row=end_row, buckets=buckets)
        total = sum(len(of_channel) for of_channel in found.channels.values())
        if total > MAX_BUCKETS:
            reason = f"{len(found.channels)} channels make {total}; an answer holds {MAX_BUCKETS}, so ask for fewer"
            raise InvalidInputError.of("buckets", reason)
        return found

    @contextmanager
    def _series(self, manifest: Manifest) -> Iterator[Path]:
        if manifest.kind == Kind.SERIES:
            with self._cache.file(manifest.file(SERIES_FILE)) as path:
                yield path
        elif manifest.kind == Kind.FIELD:
            with self._scratch.folder() as folder:
                for entry in files_of_indices(manifest):
                    self._artifacts.fetch_file(entry, folder / entry.path)
                yield self._reader.indices(folder)
        else:
            reason = f"this is {manifest.kind}; only {Kind.SERIES} and {Kind.FIELD} have values to draw"
            raise InvalidInputError.of("manifest_digest", reason)
