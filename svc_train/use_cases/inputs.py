"""Everything an attempt reads, found by its name and laid on this machine's disk."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from shared.contracts.kinds import Kind
from shared.contracts.manifest import Manifest
from shared.contracts.versions import BaseVersion, DatasetVersion
from shared.errors import IntegrityError, InvalidInputError, NotFoundError
from shared.ports import ArtifactStore, Catalogue
from svc_train.domain.bases import ADDED
from svc_train.domain.child import SeriesOnDisk
from svc_train.domain.events import BaseProduced
from svc_train.domain.failures import MissingDatasetError, StoppedAttemptError
from svc_train.ports import BaseShelf, Lease, TrainStore
from svc_train.recipes.base import Recipe

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Inputs:
    """Finds and fetches what attempts read.

    Args:
        store: the service's tables.
        catalogue: resolves names of datasets.
        artifacts: holds their files.
        shelf: where bases come from.
        bases_folder: fetched bases, by digest; several attempts read them at once.
    """

    store: TrainStore
    catalogue: Catalogue
    artifacts: ArtifactStore
    shelf: BaseShelf
    bases_folder: Path

    def dataset(self, run_id: str, reference: str, recipe: Recipe) -> DatasetVersion:
        """The training set's version: the same one in every attempt of a run.

        Raises:
            MissingDatasetError: the registry does not know it yet.
            InvalidInputError: the recipe does not learn from its kind.
        """
        with self.store.reading() as tx:
            pinned = tx.runs.pinned_dataset(run_id)
        if pinned is not None:
            return pinned
        try:
            found = self.catalogue.dataset(reference)
        except NotFoundError as error:
            raise MissingDatasetError(str(error)) from error
        if found.kind not in recipe.dataset_kinds:
            raise InvalidInputError.of(
                "dataset",
                f"{found} is of the kind {found.kind}; the recipe {recipe.name!r} learns from "
                f"{', '.join(recipe.dataset_kinds)}",
            )
        with self.store.transaction() as tx:
            tx.runs.pin_dataset(run_id, found)
        return found

    def fetch_dataset(
        self, dataset: DatasetVersion, folder: Path, lease: Lease
    ) -> tuple[Mapping[str, Any], tuple[SeriesOnDisk, ...]]:
        """Download the training set into `folder/training_set` and the series it speaks of into `folder/series`.

        Its manifest's meta, and the series.

        Raises:
            IntegrityError: a file is missing or damaged, or the manifest does not name its series rightly.
        """
        manifest = self.artifacts.manifest(dataset.digest)
        self.artifacts.fetch(manifest, folder / "training_set")
        series = []
        for number, (name, digest) in enumerate(_series_of(dataset, manifest.meta)):
            if lease.must_stop:
                raise StoppedAttemptError
            described = self.artifacts.manifest(digest)
            target = folder / "series" / str(number)
            self.artifacts.fetch(described, target)
            series.append(SeriesOnDisk(name=name, digest=digest, folder=target, meta=described.meta))
        return manifest.meta, tuple(series)

    def base(self, name: str, folder: Path, lease: Lease) -> tuple[BaseVersion, Path]:
        """The base and where it lies; stored and announced first when it is new.

        Raises:
            InvalidInputError: there is no base of that name, or it is none.
        """
        manifest = self._stored_base(name) or self._store_base(name, folder / "base", lease)
        return BaseVersion(name=name, digest=manifest.digest), self._fetched(manifest, folder / "fetched-base")

    def stored_base(self, base: BaseVersion, folder: Path) -> Path:
        """Where a base lies that stands already; IntegrityError when the object store has lost it."""
        try:
            return self._fetched(self.artifacts.manifest(base.digest), folder / "fetched-base")
        except NotFoundError as error:
            raise IntegrityError(f"The base {base.name!r} is gone: {error}") from error

    def _stored_base(self, name: str) -> Manifest | None:
        fingerprint = self.shelf.fingerprint(name)
        with self.store.reading() as tx:
            digest = tx.bases.find(name, ADDED) or tx.bases.find(name, fingerprint)
        if digest is None:
            return None
        try:
            return self.artifacts.manifest(digest)
        except NotFoundError:  # the bucket was emptied under us
            return None

    def _store_base(self, name: str, folder: Path, lease: Lease) -> Manifest:
        # Read before the files are: a base that changes meanwhile is stored again next time.
        fingerprint = self.shelf.fingerprint(name)
        log.info("the base %s is new here: it is prepared and stored", name)
        prepared = self.shelf.prepare(name, folder, must_stop=lambda: lease.must_stop)
        manifest = self.artifacts.store(kind=Kind.BASE, files=prepared.files, meta=prepared.meta, parents=())
        with self.store.transaction() as tx:
            tx.bases.add(name, fingerprint, manifest.digest)
            tx.outbox.add(BaseProduced(base=BaseVersion(name=name, digest=manifest.digest)))
        return manifest

    def _fetched(self, manifest: Manifest, partial: Path) -> Path:
        target = self.bases_folder / manifest.digest
        if not target.is_dir():
            self.artifacts.fetch(manifest, partial)
            target.parent.mkdir(parents=True, exist_ok=True)
            try:
                partial.rename(target)
            except OSError:
                # Another attempt has put the same files there; what we fetched goes with the job's folder.
                if not target.is_dir():
                    raise
        return target


def _series_of(dataset: DatasetVersion, meta: Mapping[str, Any]) -> list[tuple[str, str]]:
    """(name, digest) of each series a training set speaks of; empty for kinds that speak of none."""
    try:
        return [(str(one["name"]), str(one["digest"])) for one in meta.get("series", ())]
    except (KeyError, TypeError) as error:
        raise IntegrityError(f"The manifest of {dataset} does not name its series rightly") from error
