"""The model version that a run goes on from: resolved once, checked, laid on this machine's disk."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from shared.contracts.versions import ModelVersion
from shared.contracts.work import WorkState
from shared.errors import InvalidInputError, NotFoundError
from shared.ports import ArtifactStore, Catalogue
from svc_train.domain.failures import MissingParentError, PendingParentError, parent_failed
from svc_train.domain.request import RunRequest
from svc_train.ports import TrainStore
from svc_train.recipes.base import Recipe


@dataclass(frozen=True, slots=True, kw_only=True)
class Parents:
    """Finds and fetches parents.

    Args:
        store: the service's tables.
        catalogue: resolves names of models.
        artifacts: holds their bundles.
    """

    store: TrainStore
    catalogue: Catalogue
    artifacts: ArtifactStore

    def find(self, run_id: str, request: RunRequest, recipe: Recipe) -> ModelVersion | None:
        """The parent's version, the same one in every attempt of a run; None when the request names none.

        Raises:
            MissingParentError: the registry does not know it yet.
            PendingParentError: the run that is to make it has not ended.
            FailedRunError: that run has failed or was cancelled.
            InvalidInputError: the recipe does not go on from models of its family.
        """
        if not request.parent and not request.parent_run:
            return None
        with self.store.reading() as tx:
            pinned = tx.runs.pinned_parent(run_id)
        if pinned is not None:
            return pinned
        found = self._of_run(request.parent_run) if request.parent_run else self._of_reference(request.parent)
        self._check_family(found, recipe)
        with self.store.transaction() as tx:
            tx.runs.pin_parent(run_id, found)
        return found

    def fetch(self, parent: ModelVersion, folder: Path) -> Path:
        """Download its bundle into `folder/parent`; IntegrityError when a file is missing or damaged."""
        target = folder / "parent"
        self.artifacts.fetch(self.artifacts.manifest(parent.bundle_digest), target)
        return target

    def _of_reference(self, reference: str) -> ModelVersion:
        try:
            return self.catalogue.model(reference)
        except NotFoundError as error:
            raise MissingParentError(str(error)) from error

    def _of_run(self, parent_run: str) -> ModelVersion:
        try:
            with self.store.reading() as tx:
                state = tx.work.get(parent_run).state
        except NotFoundError:  # requests overtake one another
            raise MissingParentError(f"There is no run {parent_run!r} to go on from") from None
        if state in {WorkState.FAILED, WorkState.CANCELLED}:
            raise parent_failed(parent_run, state)
        if state is not WorkState.COMPLETED:
            raise PendingParentError(f"the run {parent_run}")
        try:
            return self.catalogue.model_of_run(parent_run)
        except NotFoundError as error:
            raise MissingParentError(f"The registry has no version of the run {parent_run}") from error

    def _check_family(self, parent: ModelVersion, recipe: Recipe) -> None:
        family = str(self.artifacts.manifest(parent.bundle_digest).meta.get("family", ""))
        if family not in recipe.parent_families:
            families = " or ".join(repr(name) for name in recipe.parent_families)
            wanted = f"models of the family {families}" if families else "no model"
            raise InvalidInputError.of(
                "parent", f"{parent} is of the family {family!r}; the recipe {recipe.name!r} goes on from {wanted}"
            )


def check_base(parent: ModelVersion, name: str, digest: str) -> None:
    """InvalidInputError when a request names another base than the one its parent stands on."""
    if parent.base.digest and parent.base.digest != digest:
        raise InvalidInputError.of(
            "base",
            f"{name!r} ({digest[:12]}) is not what {parent} stands on: {parent.base.name!r} "
            f"({parent.base.digest[:12]}); leave the base out to take that one",
        )
