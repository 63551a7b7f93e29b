"""The bytes of versions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

from shared.contracts.manifest import Manifest
from shared.contracts.objects import SignedUrl
from svc_registry.domain.artifacts import Blob


class BlobStore(Protocol):
    """The bytes of versions, below the manifests. UnavailableError when the object store does not answer."""

    def sign_download(self, digest: str) -> SignedUrl:
        """Where a blob can be read for a while."""

    def sign_manifest(self, digest: str) -> SignedUrl:
        """Where a manifest can be read for a while."""

    def sign_upload(self, digest: str) -> SignedUrl:
        """Where these bytes, and no others, can be put for a while; StateError when the store does not hold to that."""

    def stands(self, digest: str, size_bytes: int) -> bool:
        """Whether a writer may count on the blob, else it has to be put (again)."""

    def stat(self, digests: Sequence[str]) -> Sequence[Blob | None]:
        """What is known of blobs, in their order; None for one that is missing."""

    def chunks(self, digest: str) -> Iterator[bytes]:
        """The bytes of a blob, piece by piece; NotFoundError when it is missing."""

    def blobs(self) -> Iterator[Blob]:
        """All there are."""

    def delete(self, digest: str) -> None:
        """Remove a blob."""

    def manifests(self) -> Iterator[str]:
        """The digests of all manifests."""

    def put_manifest(self, manifest: Manifest) -> None:
        """Store a manifest, whose files are there, under its digest."""
