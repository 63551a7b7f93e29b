"""Review sets are indexed: who approved which candidates that went into a dataset."""

from __future__ import annotations

from collections.abc import Sequence

from shared.contracts.lineage import NodeType, dataset_key
from shared.errors import PermanentError
from shared.ports import ArtifactStore
from svc_registry.domain.reviews import UnreadSet, reviews_file
from svc_registry.ports import RegistryStore, ReviewFiles

PAGE = 200


class ReviewIndexing:
    """Reads review files into the index. A file that cannot be read is remembered as such, and keeps nothing else.

    Args:
        store: the service's database.
        artifacts: where manifests lie.
        files: reads the review files.
    """

    def __init__(self, *, store: RegistryStore, artifacts: ArtifactStore, files: ReviewFiles) -> None:
        self._store = store
        self._artifacts = artifacts
        self._files = files

    def index_dataset(self, name: str, digest: str) -> Sequence[UnreadSet]:
        """Index the review sets that went into a dataset; returns those that could not be read."""
        dataset = dataset_key(name, digest)
        with self._store.reading() as tx:
            keys = tx.reviews.lacking(dataset)
        return self._index([(key, dataset) for key in keys])

    def catch_up(self) -> Sequence[UnreadSet]:
        """Index every set that is not: of datasets registered by older releases, and files that have come back."""
        unread: list[UnreadSet] = []
        after = ("", "")
        while True:
            with self._store.reading() as tx:
                page = tx.reviews.all_lacking(after=after, limit=PAGE)
            if not page:
                return unread
            unread += self._index(page)
            after = page[-1]

    def _index(self, pairs: Sequence[tuple[str, str]]) -> list[UnreadSet]:
        unread = []
        for key, dataset in pairs:
            try:
                self._index_one(key, dataset)
            except PermanentError as error:
                with self._store.transaction() as tx:
                    tx.reviews.put_unread(key, str(error))
                unread.append(UnreadSet(key, str(error)))
        return unread

    def _index_one(self, key: str, dataset: str) -> None:
        if not dataset.startswith(f"{NodeType.DATASET}/"):
            return
        manifest = self._artifacts.manifest(dataset.rpartition("/")[2])
        entry = reviews_file(manifest, key)
        if entry is None:
            return
        with self._files.opened(entry) as batches, self._store.transaction() as tx:
            tx.reviews.put(key, batches)
