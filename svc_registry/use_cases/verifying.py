"""Hashing again what the object store holds."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence

from shared.contracts.manifest import FileEntry
from shared.errors import IntegrityError, NotFoundError
from shared.ports import ArtifactStore
from svc_registry.domain.artifacts import Choice, FileState, Found, Located
from svc_registry.ports import BlobStore, RegistryStore
from svc_registry.use_cases.downloading import locate

# A sign of life for every so many bytes of a large file.
TELL_EVERY = 256 * 2**20
PAGE = 1000


def verify(store: RegistryStore, artifacts: ArtifactStore, blobs: BlobStore, choice: Choice | None) -> Iterator[Found]:
    """Each file of a version, or of all versions (None), as it is found; a blob is read once."""
    versions = _versions(store, choice)
    check = _Check(artifacts, blobs, len(versions))
    for version in versions:
        yield from check.version(version)


class _Check:
    """The sums over all versions, and what blobs were found to be."""

    def __init__(self, artifacts: ArtifactStore, blobs: BlobStore, versions_total: int) -> None:
        self._artifacts = artifacts
        self._blobs = blobs
        self._versions_total = versions_total
        self._states: dict[str, FileState] = {}
        self._files = self._bytes = self._versions = 0

    def version(self, version: Located) -> Iterator[Found]:
        state, files = self._manifest(version.digest)
        for entry in files:
            yield from self._file(version.reference, entry)
        self._versions += 1
        self._files += 1
        yield self._found(version.reference, "", version.digest, state)

    def _manifest(self, digest: str) -> tuple[FileState, Sequence[FileEntry]]:
        try:
            return FileState.WHOLE, self._artifacts.manifest(digest).files
        except NotFoundError:
            return FileState.MISSING, ()
        except IntegrityError:
            return FileState.DAMAGED, ()

    def _file(self, reference: str, entry: FileEntry) -> Iterator[Found]:
        if entry.sha256 not in self._states:
            for _ in self._hashed(entry):
                yield self._found(reference, entry.path, entry.sha256, FileState.READING)
        self._files += 1
        yield self._found(reference, entry.path, entry.sha256, self._states[entry.sha256])

    def _hashed(self, entry: FileEntry) -> Iterator[None]:
        """Find a blob's state, with a pause after every so many bytes."""
        found, since_told = hashlib.sha256(), 0
        try:
            for chunk in self._blobs.chunks(entry.sha256):
                found.update(chunk)
                self._bytes += len(chunk)
                since_told += len(chunk)
                if since_told >= TELL_EVERY:
                    since_told = 0
                    yield
        except NotFoundError:
            self._states[entry.sha256] = FileState.MISSING
            return
        whole = found.hexdigest() == entry.sha256
        self._states[entry.sha256] = FileState.WHOLE if whole else FileState.DAMAGED

    def _found(self, reference: str, path: str, digest: str, state: FileState) -> Found:
        return Found(
            reference=reference,
            path=path,
            digest=digest,
            state=state,
            files_done=self._files,
            bytes_done=self._bytes,
            versions_done=self._versions,
            versions_total=self._versions_total,
        )


def _versions(store: RegistryStore, choice: Choice | None) -> Sequence[Located]:
    with store.reading() as tx:
        if choice is not None:
            return [locate(tx, choice)]
    return [*_datasets(store), *_bases(store), *_models(store)]


def _bases(store: RegistryStore) -> list[Located]:
    with store.reading() as tx:
        return [Located(reference=base.name, digest=base.digest) for base in tx.bases.all()]


def _datasets(store: RegistryStore) -> Iterator[Located]:
    before = 0
    while True:
        with store.reading() as tx:
            page = tx.datasets.page(name="", kind="", before_id=before, limit=PAGE)
        if not page:
            return
        for record in page:
            yield Located(reference=f"{record.name}@{record.version}", digest=record.digest)
        before = page[-1].id


def _models(store: RegistryStore) -> Iterator[Located]:
    before = 0
    while True:
        with store.reading() as tx:
            page = tx.models.page(name="", before_id=before, limit=PAGE)
        if not page:
            return
        for record in page:
            if record.made.bundle_digest:  # an imported version may have no files here
                yield Located(reference=f"{record.made.name}@{record.version}", digest=record.made.bundle_digest)
        before = page[-1].id
