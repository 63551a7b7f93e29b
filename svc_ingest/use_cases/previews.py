"""Minima and maxima of a stored series, for plots."""

from __future__ import annotations

from collections.abc import Sequence

from shared.contracts.canonical import check_digest
from shared.contracts.kinds import Kind
from shared.contracts.series import SERIES_FILE
from shared.errors import InvalidInputError
from shared.ports import ArtifactStore
from svc_ingest.ports import FileReader, SeriesCache
from svc_ingest.sources.preview import Preview

# gRPC clients take answers of 4 MiB unless they are told otherwise, and a bucket may take 50 bytes.
MAX_BUCKETS = 80_000


class Previews:
    """Looks at series without handing them out."""

    def __init__(self, *, artifacts: ArtifactStore, cache: SeriesCache, reader: FileReader) -> None:
        self._artifacts = artifacts
        self._cache = cache
        self._reader = reader

    def preview(self, digest: str, *, channels: Sequence[str], start_row: int, end_row: int, buckets: int) -> Preview:
        """Buckets of the series whose manifest has this digest.

        Raises:
            InvalidInputError: naming the wrong field.
            NotFoundError: there is no such manifest.
            IntegrityError: what is stored is damaged.
        """
        manifest = self._artifacts.manifest(check_digest("manifest_digest", digest))
        if manifest.kind != Kind.SERIES:
            raise InvalidInputError.of("manifest_digest", f"this is {manifest.kind}; only {Kind.SERIES} has a preview")
        with self._cache.file(manifest.file(SERIES_FILE)) as path:
            found = self._reader.preview(path, channels=channels, start_row=start_row, end_row=end_row, buckets=buckets)
        total = sum(len(of_channel) for of_channel in found.channels.values())
        if total > MAX_BUCKETS:
            reason = f"{len(found.channels)} channels make {total}; an answer holds {MAX_BUCKETS}, so ask for fewer"
            raise InvalidInputError.of("buckets", reason)
        return found
