"""Wires the service: the one file that names adapters."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from shared.contracts.work import failure_of
from shared.runtime.app import App
from shared.runtime.artifacts import Artifacts
from shared.runtime.auth import authenticator_for
from shared.runtime.bus import Bus
from shared.runtime.catalogue import RegistryCatalogue
from shared.runtime.database import database_for
from shared.runtime.grpc_server import GrpcServer
from shared.runtime.object_store import object_store_for
from shared.runtime.worker import Worker
from svc_label.adapters.scratch import Scratch
from svc_label.adapters.store import SqlLabelStore
from svc_label.adapters.stored_datasets import ArtifactDatasets
from svc_label.adapters.stored_exports import ArtifactExports
from svc_label.adapters.stored_predictions import ArtifactPredictions
from svc_label.adapters.stored_series import ArtifactSeries
from svc_label.handlers import take_events
from svc_label.labelers.catalogue import installed_labelers
from svc_label.rpc import UseCases, label_rpc
from svc_label.settings import DEFAULT_PORT, LabelSettings
from svc_label.use_cases.exporting import Exporting
from svc_label.use_cases.labeling import LabelingJobs
from svc_label.use_cases.making import DatasetMaking
from svc_label.use_cases.predictions import take_prediction
from svc_label.use_cases.queue import Queue
from svc_label.use_cases.reviewing import Reviewing

NAME = "svc_label"
MIGRATIONS = Path(__file__).parent / "migrations"


def build(settings: LabelSettings) -> App:
    """The service as its settings say; nothing connects yet."""
    database = database_for(settings, service=NAME)
    store = SqlLabelStore(database, source=NAME)
    objects = object_store_for(settings)
    artifacts = Artifacts(objects)
    scratch = Scratch(settings.data_dir.absolute() / "scratch")
    series = ArtifactSeries(artifacts, scratch, max_values=settings.label_max_values)
    catalogue = RegistryCatalogue(settings)
    labelers = installed_labelers()
    jobs = LabelingJobs(
        store=store,
        catalogue=catalogue,
        series=series,
        making=DatasetMaking(store=store, datasets=ArtifactDatasets(artifacts, scratch)),
        labelers=labelers,
        explain=failure_of,
    )
    use_cases = UseCases(
        labelers=labelers,
        jobs=jobs,
        queue=Queue(store=store, catalogue=catalogue),
        reviewing=Reviewing(store=store, catalogue=catalogue, series=series),
        exporting=Exporting(store=store, catalogue=catalogue, exports=ArtifactExports(artifacts, scratch)),
    )
    bus = Bus(settings, service=NAME)
    take_events(bus, jobs, partial(take_prediction, store, series, ArtifactPredictions(artifacts, scratch)))
    server = GrpcServer(
        settings, default_port=DEFAULT_PORT, rpcs=[label_rpc(use_cases)], auth=authenticator_for(settings)
    )
    worker = Worker(
        name=NAME,
        store=store,
        execute=jobs.execute,
        on_failed=jobs.failed,
        slots=settings.label_slots,
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
    )
