"""Some rows of a stored table, for people: of a profile, of plans or of segments."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack

from shared.contracts.canonical import check_digest
from shared.contracts.kinds import Kind
from shared.errors import InvalidInputError
from shared.ports import ArtifactStore
from svc_ingest.domain.pages import page_of
from svc_ingest.domain.tables import TablePreview
from svc_ingest.ports import FileReader, SeriesCache

DEFAULT_COUNT = 10
# The fact of a manifest that says how many rows there are, where it is not `rows`.
COUNTED_AS: Mapping[str, str] = {Kind.SEGMENTS: "segment_count"}


class TablePreviews:
    """Looks at rows without handing out the dataset."""

    def __init__(self, *, artifacts: ArtifactStore, cache: SeriesCache, reader: FileReader) -> None:
        self._artifacts = artifacts
        self._cache = cache
        self._reader = reader

    def preview(self, digest: str, *, start_row: int, count: int) -> TablePreview:
        """Up to `count` rows from `start_row` on; 0 means 10.

        Raises:
            InvalidInputError: naming the wrong field.
            NotFoundError: there is no such manifest.
            IntegrityError: what is stored is damaged.
        """
        manifest = self._artifacts.manifest(check_digest("manifest_digest", digest))
        tables = self._reader.tables
        if manifest.kind not in tables:
            raise InvalidInputError.of("manifest_digest", f"this is {manifest.kind}, not {' or '.join(tables)}")
        rows = int(manifest.meta[COUNTED_AS.get(manifest.kind, "rows")])
        page = page_of(start_row=start_row, count=count or DEFAULT_COUNT, rows=rows)
        with ExitStack() as stack:
            files = {name: stack.enter_context(self._cache.file(manifest.file(name))) for name in tables[manifest.kind]}
            cells = self._reader.cells(manifest.kind, files, start_row=page.start, count=page.stop - page.start)
        return TablePreview(cells=cells, rows=rows)
