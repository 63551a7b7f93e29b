"""One attempt of a run, from its lease to the transaction that completes it."""

from __future__ import annotations

import json
import logging
import shutil
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from shared.contracts.versions import NO_BASE, BaseVersion, ModelRef, ModelVersion
from shared.contracts.work import Failure, Work
from shared.errors import UnavailableError
from shared.ports import ArtifactStore
from svc_train.domain.checkpoints import Keep, SavedCheckpoint
from svc_train.domain.child import JOB_FILE, Job
from svc_train.domain.events import RunCompleted, RunFailed, RunStarted
from svc_train.domain.failures import FailedAttemptError, FailedRunError, StoppedAttemptError
from svc_train.domain.request import RunRequest
from svc_train.ports import CheckpointFiles, ChildLauncher, Lease, ProgressFeed, TrainStore
from svc_train.recipes.base import Recipe, no_recipe
from svc_train.use_cases.checkpoints import CheckpointTrail, find_checkpoint, remove_files
from svc_train.use_cases.follow import AttemptJournal, follow, hear_out
from svc_train.use_cases.inputs import Inputs
from svc_train.use_cases.limits import Limits
from svc_train.use_cases.outputs import environment_of, read_result, store_bundle
from svc_train.use_cases.parents import Parents, check_base
from svc_train.use_cases.retrying import after_failure, hyperparameters_of, note_failure

log = logging.getLogger(__name__)
T = TypeVar("T")
RETRY_S = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Execution:
    """Executes attempts. Called in a thread, and returns when the attempt has ended.

    Args:
        store: the service's tables.
        artifacts: takes the bundle.
        inputs: finds what attempts read.
        parents: finds the versions that runs go on from.
        checkpoints: holds the checkpoints' files.
        launcher: starts training processes.
        feed: live progress.
        recipes: the installed recipes by name.
        runs_folder: where attempts have their folders, `<run>/<attempt>`.
        lease_s: how long a lease lasts.
        limits: how long a training process may take.
        build: facts about this service's code, recorded with every run.
    """

    store: TrainStore
    artifacts: ArtifactStore
    inputs: Inputs
    parents: Parents
    checkpoints: CheckpointFiles
    launcher: ChildLauncher
    feed: ProgressFeed
    recipes: Mapping[str, Recipe]
    runs_folder: Path
    lease_s: float
    limits: Limits
    build: Mapping[str, str]

    def __call__(self, work: Work, lease: Lease) -> None:
        """Execute the attempt and complete the run.

        Raises:
            UpwellError: as the error tree says what is to become of the run; StateError when the lease is lost.
        """
        folder = self.runs_folder / work.id / str(work.attempt)
        # What an attempt left behind that died with its service would only fill the disk.
        shutil.rmtree(folder.parent, ignore_errors=True)
        folder.mkdir(parents=True)
        try:
            started_at = datetime.now(UTC)
            job = self._prepare(work, folder, lease)
            self._announce_start(work, job)
            self._train(work, job, folder, lease)
            self._complete(work, job, lease, started_at)
        except Exception as error:
            note_failure(self.store, work, error, lease_s=self.lease_s)
            raise
        finally:
            shutil.rmtree(folder, ignore_errors=True)
            with suppress(OSError):  # a newer attempt may have its folder beside this one
                folder.parent.rmdir()

    def _prepare(self, work: Work, folder: Path, lease: Lease) -> Job:
        request = RunRequest.from_json(work.request)
        recipe = self.recipes.get(request.recipe)
        if recipe is None:
            raise no_recipe(request.recipe, self.recipes)
        hyperparameters = hyperparameters_of(self.store, work, recipe)
        parent = self.parents.find(work.id, request, recipe)
        dataset = self.inputs.dataset(work.id, request.dataset, recipe)
        base, base_folder = self._base(request.base, parent, recipe, folder, lease)
        dataset_meta, series = self.inputs.fetch_dataset(dataset, folder, lease)
        output = folder / "output"
        checkpoints = folder / "checkpoints"
        for made in (output, checkpoints):
            made.mkdir()
        resume = folder / "resume"
        job = Job(
            run_id=work.id,
            attempt=work.attempt,
            recipe=recipe.name,
            hyperparameters=hyperparameters,
            base=base,
            base_folder=base_folder,
            dataset=dataset,
            dataset_folder=folder / "training_set",
            dataset_meta=dataset_meta,
            series=series,
            output_folder=output,
            parent=ModelRef(name=parent.name, version=parent.version, run_id=parent.run_id) if parent else None,
            parent_folder=self.parents.fetch(parent, folder) if parent else None,
            checkpoints_folder=checkpoints,
            resume_folder=resume if find_checkpoint(self.store, self.checkpoints, work, resume, lease) else None,
        )
        (folder / JOB_FILE).write_text(json.dumps(job.to_json(), ensure_ascii=False, indent=1), encoding="utf-8")
        return job

    def _base(
        self, name: str, parent: ModelVersion | None, recipe: Recipe, folder: Path, lease: Lease
    ) -> tuple[BaseVersion, Path | None]:
        """The base asked for; without a name the parent's, else the recipe's, which may be none."""
        if not recipe.default_base:
            return NO_BASE, None
        if parent and parent.base.digest and not name:
            return parent.base, self.inputs.stored_base(parent.base, folder)
        base, base_folder = self.inputs.base(name or recipe.default_base, folder, lease)
        if parent:
            check_base(parent, base.name, base.digest)
        return base, base_folder

    def _announce_start(self, work: Work, job: Job) -> None:
        started = RunStarted(
            run_id=work.id,
            attempt=work.attempt,
            recipe=job.recipe,
            model=str(work.request["model"]),
            dataset=job.dataset,
            base=job.base,
        )
        with self.store.transaction() as tx:
            tx.work.renew(work.id, work.attempt, lease_s=self.lease_s)
            tx.outbox.add(started)

    def _train(self, work: Work, job: Job, folder: Path, lease: Lease) -> None:
        if lease.must_stop:
            raise StoppedAttemptError
        with self.store.reading() as tx:
            furthest = tx.journal.furthest(work.id)
        journal = AttemptJournal(store=self.store, feed=self.feed, work=work, lease_s=self.lease_s, furthest=furthest)
        trail = CheckpointTrail(
            store=self.store,
            files=self.checkpoints,
            work=work,
            folder=folder / "checkpoints",
            keep=Keep.of(job.hyperparameters),
        )
        log.info("run %s, attempt %d: inputs are here, training begins", work.id, work.attempt)
        child = self.launcher.launch(folder)
        with trail:
            try:
                follow(child, lease, journal, trail.offer, self.limits)
            except (FailedRunError, FailedAttemptError) as error:
                raise after_failure(self.store, work, job.hyperparameters, error, lease_s=self.lease_s) from error
            finally:
                hear_out(child.stop(), journal, trail.offer)
        _insist(lease, journal.flush)

    def _complete(self, work: Work, job: Job, lease: Lease, started_at: datetime) -> None:
        """Upload the bundle, then finish the run and announce it in one transaction.

        Hours of training may stand behind this, so that a dependency which is down is waited for as long as the
        lease is held.
        """
        result = read_result(job.output_folder)
        bundle = _insist(lease, lambda: store_bundle(self.artifacts, job, result))
        request = RunRequest.from_json(work.request)
        wall_s = _insist(lease, lambda: self._wall_s(work))
        completed = RunCompleted(
            run_id=work.id,
            attempt=work.attempt,
            recipe=job.recipe,
            model=request.model,
            stage=request.stage,
            dataset=job.dataset,
            base=job.base,
            bundle_digest=bundle.digest,
            metrics=result.metrics,
            hyperparameters=job.hyperparameters,
            environment=environment_of(self.build, job, result),
            started_at=started_at,
            finished_at=datetime.now(UTC),
            parent=job.parent,
            total_steps=result.total_steps,
            epochs=result.epochs,
            tokens=result.tokens,
            wall_s=wall_s,
            device_s=wall_s * result.devices,
            peak_memory_bytes=result.peak_rss_bytes,
        )
        no_longer_needed = _insist(lease, lambda: self._finish(work, completed))
        remove_files(self.checkpoints, no_longer_needed)

    def _wall_s(self, work: Work) -> float:
        with self.store.reading() as tx:
            return tx.runs.wall_s(work.id)

    def _finish(self, work: Work, completed: RunCompleted) -> Sequence[SavedCheckpoint]:
        result = {"bundle_digest": completed.bundle_digest, "metrics": dict(completed.metrics)}
        with self.store.transaction() as tx:
            tx.work.complete(work.id, work.attempt, result)
            tx.outbox.add(completed)
            no_longer_needed = tx.checkpoints.of(work.id)
            tx.checkpoints.remove(no_longer_needed)
        return no_longer_needed


def run_failed(work: Work, failure: Failure) -> RunFailed:
    """The event for a run that failed for good."""
    request = RunRequest.from_json(work.request)
    return RunFailed(run_id=work.id, attempt=work.attempt, recipe=request.recipe, model=request.model, failure=failure)


def _insist(lease: Lease, action: Callable[[], T]) -> T:
    """Do it as soon as what it depends on answers; UnavailableError when the attempt has to end before that."""
    while True:
        try:
            return action()
        except UnavailableError as error:
            log.warning("a finished attempt waits: %s", error)
            if lease.wait(RETRY_S):
                raise
