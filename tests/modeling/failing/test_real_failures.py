"""Real trainings that really fail, each in its own process: what the service makes of them."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from safetensors.torch import load_file, save_file

from shared.contracts.versions import BaseVersion, DatasetVersion
from shared.contracts.work import Failure, WorkState
from shared.runtime.database import Database
from shared.runtime.migrations import migrate
from svc_train.adapters.processes import Process, ProcessLauncher, model_environment
from svc_train.bootstrap import MIGRATIONS
from svc_train.domain.child import JOB_FILE, Job, SeriesOnDisk
from svc_train.domain.failures import FailedAttemptError, FailedRunError, TooLargeError
from svc_train.recipes.hyperparameters import resolved
from svc_train.recipes.series_lm.config import tiny
from svc_train.use_cases.follow import AttemptJournal, follow
from svc_train.use_cases.limits import NO_LIMITS, Limits
from tests.modeling.failing.recipes import HUNGRY, install
from tests.modeling.jobs import spiked_job
from tests.modeling.samples import other_base
from tests.use_cases.train.world import REQUEST, World

pytestmark = pytest.mark.heavy

TRAIN = (sys.executable, "-m", "svc_train.child")
REPOSITORY = Path(__file__).parents[3]
TINY = resolved(tiny())
ENDLESS = {**TINY, "max_steps": 1_000_000}


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    folder = tmp_path / "world"
    folder.mkdir()
    database = Database(f"sqlite:///{folder / 'train.db'}", schema="svc_train")
    migrate(database, MIGRATIONS)
    yield World(folder, database)
    database.dispose()


@pytest.fixture
def job_folder(tmp_path: Path, tiny_base: Path) -> Callable[..., Path]:
    """Writes the job of a small training; hyperparameters may be changed."""

    def write(*, base: Path = tiny_base, recipe: str = "series-lm", **hyperparameters: Any) -> Path:
        training = spiked_job(tmp_path, base=base, **hyperparameters)
        (source,) = training.series
        job = Job(
            run_id="run-1",
            attempt=1,
            recipe=recipe,
            hyperparameters=hyperparameters,
            base=BaseVersion(name=training.base.name, digest=training.base.digest),
            base_folder=base,
            dataset=DatasetVersion(name=training.training_set.name, digest=training.training_set.digest, version=1),
            dataset_meta={},
            dataset_folder=training.training_set.folder,
            series=(SeriesOnDisk(name=source.name, digest=source.digest, folder=source.folder, meta=source.meta),),
            output_folder=tmp_path / "output",
        )
        (tmp_path / JOB_FILE).write_text(json.dumps(job.to_json()))
        return tmp_path

    return write


def fails(
    world: World,
    folder: Path,
    *,
    around: Sequence[str] = (),
    limits: Limits = NO_LIMITS,
    meanwhile: Callable[[Process], object] = lambda _: None,
    path: Path | None = None,
) -> FailedRunError | FailedAttemptError:
    """Train as the service does; how it failed.

    Args:
        around: a command that runs the training.
        meanwhile: called with the process at every look.
        path: further folder of Python packages.
    """
    environment = {
        **model_environment(threads=1),
        "PYTHONPATH": os.pathsep.join(map(str, filter(None, [path, REPOSITORY]))),
    }
    process = Process((*around, *TRAIN, str(folder)), environment=environment)

    class Watched:
        ended = property(lambda _: process.ended)
        exit_code = process.exit_code
        stop = process.stop

        def read(self, window_s: float):
            meanwhile(process)
            return process.read(window_s)

    journal = AttemptJournal(store=world.store, feed=world.feed, work=world.claimed(), lease_s=60)
    try:
        with pytest.raises((FailedRunError, FailedAttemptError)) as caught:
            follow(Watched(), world.lease, journal, lambda _: None, limits)
    finally:
        process.stop()
    return caught.value


def failure_of(error: FailedRunError | FailedAttemptError, cause: str, evidence: str) -> Failure:
    """The failure, which has the cause, a remedy, and a line of evidence."""
    assert error.failure.cause == cause, error.failure
    assert any(evidence in line for line in error.failure.evidence), error.failure
    assert error.failure.remedy
    return error.failure


def test_a_training_that_needs_more_memory_than_there_is(world: World, job_folder):
    limited = (
        "import os, resource, sys; resource.setrlimit(resource.RLIMIT_AS, (3 << 30,) * 2); os.execv(*eval(sys.argv[1]))"
    )
    folder = job_folder(**{**TINY, "batch_size": 4096, "window": 8192, "patch": 64})
    command = (TRAIN[0], [*TRAIN, str(folder)])
    error = fails(world, folder, around=(sys.executable, "-c", limited, repr(command)))
    failure_of(error, "out_of_memory", "allocate")
    assert isinstance(error, TooLargeError)


def full_disk(folder: Path) -> tuple[str, ...]:
    """A command that runs another one in a world where the folder is a disk of 64 KiB, for root and for everybody."""
    mount = f'mount -t tmpfs -o size=64k tmpfs "{folder}" && exec "$@"'
    for unshare in (("unshare", "-m"), ("unshare", "-r", "-m")):
        command = (*unshare, "sh", "-c", mount, "sh")
        if shutil.which(unshare[0]) and subprocess.run((*command, "true"), check=False).returncode == 0:
            return command
    raise AssertionError("neither root nor user namespaces can mount here: give the tests one of them")


def test_a_disk_that_is_full(world: World, job_folder):
    folder = job_folder(**TINY)
    output = folder / "output"
    output.mkdir()
    error = fails(world, folder, around=full_disk(output))
    failure_of(error, "disk_full", "No space left on device")
    assert isinstance(error, FailedAttemptError)


def test_sigkill(world: World, job_folder):
    def kill(process: Process) -> None:
        if world.feed.offered:
            process._signal(signal.SIGKILL)

    error = fails(world, job_folder(**ENDLESS), meanwhile=kill)
    failure_of(error, "killed", "training data")
    assert "was killed by SIGKILL" in error.failure.reason
    assert isinstance(error, FailedAttemptError)


def test_a_training_that_stands_still(world: World, job_folder):
    def stop(process: Process) -> None:
        if world.feed.offered:
            process._signal(signal.SIGSTOP)

    error = fails(world, job_folder(**ENDLESS), meanwhile=stop, limits=Limits(stall_s=12))
    assert isinstance(error, FailedAttemptError)
    assert (error.failure.cause, "said nothing new" in error.failure.reason) == ("timeout", True)


def test_a_training_that_takes_too_long(world: World, job_folder):
    error = fails(world, job_folder(**ENDLESS), limits=Limits(run_s=8))
    assert isinstance(error, FailedRunError)
    assert error.failure.cause == "timeout"


def test_a_loss_that_is_no_number(world: World, job_folder, tiny_base: Path, tmp_path: Path):
    base = tmp_path / "poisoned"
    shutil.copytree(tiny_base, base)
    (weights,) = base.glob("*.safetensors")
    tensors = load_file(weights)
    next(iter(tensors.values())).fill_(float("nan"))
    save_file(tensors, weights, metadata={"format": "pt"})
    error = fails(world, job_folder(base=base, **TINY))
    failure_of(error, "nan_loss", "loss is nan")
    assert isinstance(error, FailedRunError)


def test_a_row_that_is_wrong_is_named(world: World, job_folder):
    folder = job_folder(**TINY)
    path = folder / "training_set" / "segments.parquet"
    table = pq.read_table(path)
    series = table["series"].to_pylist()
    series[2] = "别的"
    pq.write_table(table.set_column(0, "series", [series]), path)
    error = fails(world, folder)
    failure = failure_of(error, "bad_row", "segments.parquet:3")
    assert "row 3 of segments.parquet" in failure.remedy
    assert isinstance(error, FailedRunError)


def test_a_base_whose_weights_are_another_models(world: World, job_folder, tmp_path: Path):
    base = other_base(tmp_path / "llama", "llama")
    config = json.loads((base / "config.json").read_text())
    (base / "config.json").write_text(json.dumps({**config, "intermediate_size": 96}))
    error = fails(world, job_folder(base=base, **TINY))
    failure_of(error, "wrong_base", "ignore_mismatched_sizes")
    assert isinstance(error, FailedRunError)


def test_a_recipe_whose_module_is_not_installed(world: World, job_folder, tmp_path: Path):
    brought = install(tmp_path / "brought", {"absent": "a_package_that_nobody_has.recipes:RECIPE"})
    error = fails(world, job_folder(recipe="absent"), path=brought)
    failure = failure_of(error, "import_error", "No module named 'a_package_that_nobody_has'")
    assert "a_package_that_nobody_has" in failure.remedy
    assert isinstance(error, FailedRunError)


def test_out_of_memory_is_tried_again_in_smaller_parts_and_then_fits(world: World, tmp_path: Path):
    brought = install(tmp_path / "brought", {"hungry": "tests.modeling.failing.recipes:HUNGRY"})
    environment = {**model_environment(threads=1), "PYTHONPATH": f"{brought}{os.pathsep}{REPOSITORY}"}
    world.recipes["hungry"] = HUNGRY
    world.start(replace(REQUEST, recipe="hungry", hyperparameters={}))
    execution = world.execution(launcher=ProcessLauncher(TRAIN, environment=environment))

    first = world.claim()
    with pytest.raises(FailedAttemptError) as caught:
        execution(first, world.lease)
    failure = failure_of(caught.value, "out_of_memory", "allocate memory")
    assert failure.retried_with == {"batch_size": 4, "gradient_accumulation": 2}
    world.release(first)

    execution(world.claim(), world.lease)
    assert world.work().state is WorkState.COMPLETED
    (completed,) = world.events("train.completed")
    assert completed["attempt"] == 2
    assert completed["hyperparameters"] == {"batch_size": 4, "gradient_accumulation": 2, "seed": 0}
