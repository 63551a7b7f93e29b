"""Wires the service: the one file that names adapters."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from pathlib import Path

from shared.ports import ObjectStore
from shared.runtime.app import App
from shared.runtime.artifacts import Artifacts
from shared.runtime.auth import authenticator_for
from shared.runtime.bus import Bus
from shared.runtime.database import Database, database_for
from shared.runtime.grpc_server import GrpcServer
from shared.runtime.migrations import migrate
from shared.runtime.object_store import object_store_for
from shared.runtime.presign import Signer
from shared.runtime.signatures import trusted_keys
from svc_registry.adapters.blobs import ObjectBlobs
from svc_registry.adapters.checksums import checksum_probe
from svc_registry.adapters.event_log import bus_event_log
from svc_registry.adapters.restoring import SqlRestoringStore
from svc_registry.adapters.reviews_file import ParquetReviews
from svc_registry.adapters.store import SqlRegistryStore
from svc_registry.adapters.webhooks import HttpPoster, SqlDeliveries
from svc_registry.domain.webhooks import webhook_secret, webhook_urls
from svc_registry.handlers import take_events
from svc_registry.indexer import ReviewIndexer
from svc_registry.rpc.artifacts import artifact_rpc
from svc_registry.rpc.history import history_rpc
from svc_registry.rpc.lineage import lineage_rpc
from svc_registry.rpc.promotion import promotion_rpc
from svc_registry.rpc.registry import registry_rpc
from svc_registry.rpc.versions import version_rpc
from svc_registry.settings import DEFAULT_PORT, RegistrySettings
from svc_registry.telling import telling
from svc_registry.use_cases.rebuilding import Report, rebuild
from svc_registry.use_cases.reviewing import ReviewIndexing

NAME = "svc_registry"
MIGRATIONS = Path(__file__).parent / "migrations"


def build(settings: RegistrySettings) -> App:
    """The service as its settings say; nothing connects yet."""
    database = database_for(settings, service=NAME)
    webhooks = webhook_urls(settings.webhooks)
    store = SqlRegistryStore(database, source=NAME, webhooks=webhooks)
    objects = object_store_for(settings)
    artifacts = Artifacts(objects)
    indexing = ReviewIndexing(
        store=store,
        artifacts=artifacts,
        files=ParquetReviews(artifacts, settings.data_dir.absolute() / "reviews"),
    )
    indexer = ReviewIndexer(indexing)
    bus = Bus(settings, service=NAME)
    take_events(bus, store, artifacts, indexer)
    server = GrpcServer(
        settings,
        default_port=DEFAULT_PORT,
        rpcs=[
            registry_rpc(store),
            promotion_rpc(store),
            version_rpc(store, trusted_keys(settings.trusted_keys)),
            lineage_rpc(store),
            history_rpc(store, artifacts),
            artifact_rpc(store, artifacts, blobs_for(settings, objects)),
        ],
        auth=authenticator_for(settings),
    )
    return App(
        name=NAME,
        settings=settings,
        bus=bus,
        server=server,
        database=database,
        migrations=MIGRATIONS,
        objects=objects,
        background=[indexer.run, *_telling(settings, database, webhooks)],
    )


def _telling(
    settings: RegistrySettings, database: Database, webhooks: Sequence[str]
) -> Sequence[Callable[[], Awaitable[None]]]:
    """A loop for each webhook, so that one that does not answer holds up no other."""
    if not webhooks:
        return ()
    secret = webhook_secret(settings.webhook_secret.get_secret_value())
    deliveries, poster = SqlDeliveries(database), HttpPoster()
    return [telling(deliveries, poster, url=url, secret=secret) for url in webhooks]


def blobs_for(settings: RegistrySettings, objects: ObjectStore) -> ObjectBlobs:
    """The bytes of versions, with addresses that clients can reach."""
    return ObjectBlobs(
        objects,
        _signer(settings, settings.s3_public_endpoint or settings.s3_endpoint),
        lasts=timedelta(seconds=settings.s3_address_seconds),
        check_uploads=checksum_probe(_signer(settings, settings.s3_endpoint)),
    )


def rebuild_catalogue(settings: RegistrySettings, *, overwrite: bool) -> Report:
    """Fill the catalogue of these settings from the streams and the bucket; see `use_cases.rebuilding`."""
    database = database_for(settings, service=NAME)
    migrate(database, MIGRATIONS)
    artifacts = Artifacts(object_store_for(settings))
    with bus_event_log(settings) as log:
        return rebuild(SqlRestoringStore(database), log, artifacts, overwrite=overwrite)


def _signer(settings: RegistrySettings, endpoint: str) -> Signer:
    return Signer(
        endpoint=endpoint,
        bucket=settings.s3_bucket,
        region=settings.s3_region,
        access_key=settings.s3_access_key,
        secret_key=settings.s3_secret_key.get_secret_value(),
    )
