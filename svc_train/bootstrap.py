"""Wires the service: the one file that names adapters."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import structlog

from shared.errors import UnavailableError
from shared.runtime.app import App
from shared.runtime.artifacts import Artifacts
from shared.runtime.auth import authenticator_for
from shared.runtime.bus import Bus
from shared.runtime.catalogue import RegistryCatalogue
from shared.runtime.database import database_for
from shared.runtime.grpc_server import GrpcServer
from shared.runtime.object_store import object_store_for
from shared.runtime.worker import Worker
from svc_train.adapters.build_facts import build_facts
from svc_train.adapters.checkpoint_files import ObjectCheckpointFiles
from svc_train.adapters.commands import training_command
from svc_train.adapters.feed import BusFeed
from svc_train.adapters.processes import ProcessLauncher, model_environment
from svc_train.adapters.shelf import ProcessShelf
from svc_train.adapters.store import SqlTrainStore
from svc_train.domain.failures import failure_of
from svc_train.handlers import take_requests
from svc_train.ports import CheckpointFiles, TrainStore
from svc_train.recipes.base import recipes as installed_recipes
from svc_train.rpc import bases_rpc, train_rpc
from svc_train.settings import DEFAULT_PORT, Launcher, TrainSettings
from svc_train.use_cases.bases import Bases
from svc_train.use_cases.cleaning import remove_stale_checkpoints, remove_stale_folders
from svc_train.use_cases.execute import Execution, run_failed
from svc_train.use_cases.inputs import Inputs
from svc_train.use_cases.limits import Limits
from svc_train.use_cases.parents import Parents

log = structlog.get_logger(__name__)
NAME = "svc_train"
MIGRATIONS = Path(__file__).parent / "migrations"
PREPARE_BASE = (sys.executable, "-m", "svc_train.adapters.prepare_base")
CLEANING_S = 3600.0


def build(settings: TrainSettings) -> App:
    """The service as its settings say; nothing connects yet. Called inside the loop it runs in."""
    database = database_for(settings, service=NAME)
    store = SqlTrainStore(database, source=NAME)
    objects = object_store_for(settings)
    bus = Bus(settings, service=NAME)
    recipes = installed_recipes()
    take_requests(bus, store, recipes)
    runs_folder = settings.data_dir.absolute() / "runs"
    environment = model_environment(threads=settings.torch_threads, llamafactory_cli=settings.llamafactory_cli)
    artifacts, catalogue = Artifacts(objects), RegistryCatalogue(settings)
    checkpoints = ObjectCheckpointFiles(objects)
    command = training_command(workers=settings.train_workers, on_ray=settings.launcher is Launcher.RAY)
    shelf = ProcessShelf(settings.bases_dir, command=PREPARE_BASE, environment=environment)
    bases = Bases(
        store=store,
        artifacts=artifacts,
        shelf=shelf,
        folder=settings.data_dir.absolute() / "adding",
        hub=settings.hub,
    )
    execution = Execution(
        store=store,
        artifacts=artifacts,
        parents=Parents(store=store, catalogue=catalogue, artifacts=artifacts),
        checkpoints=checkpoints,
        inputs=Inputs(
            store=store,
            catalogue=catalogue,
            artifacts=artifacts,
            shelf=shelf,
            bases_folder=settings.data_dir.absolute() / "bases",
        ),
        launcher=ProcessLauncher(command, environment=environment),
        feed=BusFeed(bus.publish, loop=asyncio.get_running_loop(), source=NAME),
        recipes=recipes,
        runs_folder=runs_folder,
        lease_s=settings.lease_seconds,
        limits=Limits(stall_s=settings.stall_seconds, run_s=settings.run_seconds),
        build=build_facts(settings.git_commit),
    )
    draining = asyncio.Event()
    server = GrpcServer(
        settings,
        default_port=DEFAULT_PORT,
        rpcs=[train_rpc(store, recipes, draining), bases_rpc(bases)],
        auth=authenticator_for(settings),
    )
    worker = Worker(
        name="runs",
        store=store,
        execute=execution,
        on_failed=run_failed,
        failure_of=failure_of,
        slots=settings.train_slots,
        lease_s=settings.lease_seconds,
        patience_s=settings.patience_seconds,
    )
    return App(
        name=NAME,
        settings=settings,
        bus=bus,
        server=server,
        database=database,
        migrations=MIGRATIONS,
        objects=objects,
        workers=[worker],
        background=[lambda: _clean(store, runs_folder, checkpoints, settings.checkpoint_days)],
        draining=draining,
    )


async def _clean(store: TrainStore, runs_folder: Path, checkpoints: CheckpointFiles, keep_days: float) -> None:
    await asyncio.to_thread(remove_stale_folders, store, runs_folder)
    try:
        await asyncio.to_thread(remove_stale_checkpoints, store, checkpoints, keep_days=keep_days)
    except UnavailableError as error:
        log.warning("checkpoints are cleaned next time", error=str(error))
    await asyncio.sleep(CLEANING_S)
