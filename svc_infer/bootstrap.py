"""Wires the service: the one file that names adapters."""

from __future__ import annotations

from pathlib import Path

from shared.runtime.app import App
from shared.runtime.artifacts import Artifacts
from shared.runtime.auth import authenticator_for
from shared.runtime.bus import Bus
from shared.runtime.catalogue import RegistryCatalogue
from shared.runtime.database import database_for
from shared.runtime.grpc_server import GrpcServer
from shared.runtime.object_store import object_store_for
from shared.runtime.signatures import trusted_keys
from shared.runtime.worker import Worker
from svc_infer.adapters.bundles import BundleLoader, use_threads
from svc_infer.adapters.cache import ArtifactCache
from svc_infer.adapters.fields import CachedFields
from svc_infer.adapters.parquet import ParquetSeries
from svc_infer.adapters.signed import SignedLoader
from svc_infer.adapters.store import SqlInferStore
from svc_infer.handlers import take_events
from svc_infer.ports import ModelLoader
from svc_infer.rpc.calls import Serving
from svc_infer.rpc.service import infer_rpc
from svc_infer.serving.batcher import Batcher, Limits
from svc_infer.serving.follower import Follower
from svc_infer.serving.lines import Lines
from svc_infer.serving.names import Names
from svc_infer.serving.shelf import Shelf
from svc_infer.settings import DEFAULT_PORT, InferSettings
from svc_infer.use_cases.jobs import JobRunner, job_failed
from svc_infer.use_cases.models import model_health

NAME = "svc_infer"
MIGRATIONS = Path(__file__).parent / "migrations"


def build(settings: InferSettings) -> App:
    """The service as its settings say; nothing connects yet."""
    use_threads(settings.model_threads)
    database = database_for(settings, service=NAME)
    store = SqlInferStore(database, source=NAME)
    objects = object_store_for(settings)
    artifacts = Artifacts(objects)
    catalogue = RegistryCatalogue(settings)
    cache_bytes = round(settings.cache_gib * 2**30)
    cache = ArtifactCache(artifacts, settings.data_dir / "bundles", max_bytes=cache_bytes)
    shelf = Shelf(_loader(settings, cache), capacity=settings.loaded_versions)
    names = Names(catalogue, shelf)
    batcher = Batcher(limits_of(settings))
    serving = Serving(names=names, shelf=shelf, batcher=batcher, lines=Lines(), longest_s=settings.predict_seconds)
    datasets = ArtifactCache(artifacts, settings.data_dir / "datasets", max_bytes=cache_bytes)
    server = GrpcServer(
        settings,
        default_port=DEFAULT_PORT,
        rpcs=[infer_rpc(serving, store, catalogue, CachedFields(datasets))],
        auth=authenticator_for(settings),
    )

    told: set[str] = set()

    async def tell_health() -> None:
        health = model_health(shelf, names)
        told.update(health)
        for name in told:
            await server.set_serving(f"model/{name}", serving=health.get(name, False))

    follower = Follower(names, every_s=settings.reconcile_seconds, on_looked=tell_health)
    bus = Bus(settings, service=NAME)
    take_events(bus, store, follower)
    runner = JobRunner(
        store=store,
        catalogue=catalogue,
        artifacts=artifacts,
        reader=ParquetSeries(),
        names=names,
        shelf=shelf,
        batcher=batcher,
        folder=settings.data_dir / "jobs",
        chunk_values=settings.job_chunk_values,
    )
    worker = Worker(
        name=NAME,
        store=store,
        execute=runner.run,
        on_failed=job_failed,
        slots=settings.job_slots,
        lease_s=settings.lease_seconds,
        patience_s=settings.patience_seconds,
    )
    shelf.start()
    batcher.start()
    return App(
        name=NAME,
        settings=settings,
        bus=bus,
        server=server,
        database=database,
        migrations=MIGRATIONS,
        objects=objects,
        workers=[worker],
        background=[follower.run],
        checks=[follower.check_ready],
    )


def _loader(settings: InferSettings, cache: ArtifactCache) -> ModelLoader:
    loader = BundleLoader(cache, device=settings.device)
    keys = trusted_keys(settings.trusted_keys)
    if not settings.require_signature:
        return loader
    if not keys.names:
        raise ValueError("UPWELL_REQUIRE_SIGNATURE is set, and UPWELL_TRUSTED_KEYS is empty: nothing could be served")
    return SignedLoader(loader, keys)


def limits_of(settings: InferSettings) -> Limits:
    """What the settings say of batches and queue."""
    return Limits(
        batch_series=settings.batch_series,
        batch_values=settings.batch_values,
        queue_requests=settings.queue_requests,
        queue_values=settings.queue_values,
    )
