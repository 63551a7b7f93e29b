"""The `BlobStore` port over the object store."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

from shared.contracts.canonical import DIGEST
from shared.contracts.manifest import Manifest
from shared.contracts.objects import SignedUrl, StoredObject
from shared.errors import NotFoundError
from shared.ports import ObjectStore
from shared.runtime.artifacts import BLOBS, MANIFESTS, blob_key, blob_stands, digest_in, manifest_key
from shared.runtime.presign import Signer
from svc_registry.domain.artifacts import Blob

STATS_AT_ONCE = 8


class ObjectBlobs:
    """Blobs and manifests by their keys.

    Args:
        objects: the object store.
        signer: signs for the address at which clients reach it.
        lasts: how long an address is good.
        check_uploads: called before an upload is signed; raises when the object store would take other bytes.
        now: the clock.
    """

    def __init__(
        self,
        objects: ObjectStore,
        signer: Signer,
        *,
        lasts: timedelta,
        check_uploads: Callable[[], None],
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._objects = objects
        self._signer = signer
        self._lasts = lasts
        self._check_uploads = check_uploads
        self._now = now

    def sign_download(self, digest: str) -> SignedUrl:
        """Read a blob; see the port."""
        return self._signer.download(blob_key(digest), now=self._now(), lasts=self._lasts)

    def sign_manifest(self, digest: str) -> SignedUrl:
        """Read a manifest; see the port."""
        return self._signer.download(manifest_key(digest), now=self._now(), lasts=self._lasts)

    def sign_upload(self, digest: str) -> SignedUrl:
        """Put a blob; see the port."""
        self._check_uploads()
        return self._signer.upload(blob_key(digest), digest, now=self._now(), lasts=self._lasts)

    def stands(self, digest: str, size_bytes: int) -> bool:
        """Whether it may be counted on; see the port."""
        return blob_stands(self._objects, digest, size_bytes, now=self._now())

    def stat(self, digests: Sequence[str]) -> Sequence[Blob | None]:
        """Some at once, for each takes a round trip."""
        with ThreadPoolExecutor(STATS_AT_ONCE) as pool:
            return list(pool.map(self._stat, digests))

    def chunks(self, digest: str) -> Iterator[bytes]:
        """Read a blob; see the port."""
        return self._objects.chunks(blob_key(digest))

    def blobs(self) -> Iterator[Blob]:
        """All there are; what has another name than a digest is not ours."""
        return (_blob(found) for found in self._objects.objects(BLOBS) if DIGEST.fullmatch(digest_in(found.key)))

    def delete(self, digest: str) -> None:
        """Remove a blob."""
        self._objects.delete(blob_key(digest))

    def manifests(self) -> Iterator[str]:
        """The digests of all manifests."""
        return (digest for key in self._objects.keys(MANIFESTS) if DIGEST.fullmatch(digest := digest_in(key)))

    def put_manifest(self, manifest: Manifest) -> None:
        """Store a manifest; see the port."""
        self._objects.put_bytes(manifest_key(manifest.digest), manifest.to_bytes())

    def _stat(self, digest: str) -> Blob | None:
        try:
            return _blob(self._objects.stat(blob_key(digest)))
        except NotFoundError:
            return None


def _blob(found: StoredObject) -> Blob:
    return Blob(digest=digest_in(found.key), size_bytes=found.size_bytes, modified_at=found.modified_at)
