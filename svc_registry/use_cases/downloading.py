"""Where the files of versions can be read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from shared.contracts.objects import SignedUrl
from shared.errors import NotFoundError
from shared.ports import ArtifactStore
from svc_registry.domain.artifacts import Choice, Located, Sort
from svc_registry.ports import BlobStore, RegistryStore, RegistryTransaction
from svc_registry.use_cases.finding import find_dataset, find_model

PAGE = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Download:
    """Some files of a version: (digest, address) each; `next_start` is 0 on the last page."""

    version: Located
    manifest: SignedUrl
    files: Sequence[tuple[str, SignedUrl]]
    next_start: int


def sign_download(
    store: RegistryStore, artifacts: ArtifactStore, blobs: BlobStore, choice: Choice, *, start: int
) -> Download:
    """A page of addresses, from the blob with the number `start` on."""
    with store.reading() as tx:
        version = locate(tx, choice)
    manifest = artifacts.manifest(version.digest)
    digests = list(dict.fromkeys(entry.sha256 for entry in manifest.files))
    end = start + PAGE
    return Download(
        version=version,
        # Signed first: of all addresses it is the first that ends.
        manifest=blobs.sign_manifest(version.digest),
        files=[(digest, blobs.sign_download(digest)) for digest in digests[start:end]],
        next_start=end if end < len(digests) else 0,
    )


def locate(tx: RegistryTransaction, choice: Choice) -> Located:
    """The version that a choice names; NotFoundError says what there is."""
    match choice.sort:
        case Sort.DATASET:
            dataset = find_dataset(tx, choice.reference)
            return Located(reference=f"{dataset.name}@{dataset.version}", digest=dataset.digest)
        case Sort.MODEL:
            model = find_model(tx, choice.reference)
            if not model.made.bundle_digest:
                raise NotFoundError(f"{model.made.name}@{model.version} was imported without a bundle: it has no files")
            return Located(reference=f"{model.made.name}@{model.version}", digest=model.made.bundle_digest)
        case Sort.BASE:
            base = tx.bases.find(choice.reference)
            if base is None:
                raise NotFoundError(f"There is no base {choice.reference!r}")
            return Located(reference=base.name, digest=base.digest)
