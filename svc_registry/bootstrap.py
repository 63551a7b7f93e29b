"""Wires the service: the one file that names adapters."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

from shared.runtime.app import App
from shared.runtime.artifacts import Artifacts
from shared.runtime.auth import authenticator_for
from shared.runtime.bus import Bus
from shared.runtime.database import Database, database_for
from shared.runtime.grpc_server import GrpcServer
from shared.runtime.object_store import object_store_for
from shared.runtime.signatures import trusted_keys
from svc_registry.adapters.store import SqlRegistryStore
from svc_registry.adapters.webhooks import HttpPoster, SqlDeliveries
from svc_registry.domain.webhooks import webhook_secret, webhook_urls
from svc_registry.handlers import take_events
from svc_registry.rpc.lineage import lineage_rpc
from svc_registry.rpc.promotion import promotion_rpc
from svc_registry.rpc.registry import registry_rpc
from svc_registry.rpc.versions import version_rpc
from svc_registry.settings import DEFAULT_PORT, RegistrySettings
from svc_registry.telling import telling

NAME = "svc_registry"
MIGRATIONS = Path(__file__).parent / "migrations"


def build(settings: RegistrySettings) -> App:
    """The service as its settings say; nothing connects yet."""
    database = database_for(settings, service=NAME)
    webhooks = webhook_urls(settings.webhooks)
    store = SqlRegistryStore(database, source=NAME, webhooks=webhooks)
    objects = object_store_for(settings)
    bus = Bus(settings, service=NAME)
    take_events(bus, store, Artifacts(objects))
    server = GrpcServer(
        settings,
        default_port=DEFAULT_PORT,
        rpcs=[
            registry_rpc(store),
            promotion_rpc(store),
            version_rpc(store, trusted_keys(settings.trusted_keys)),
            lineage_rpc(store),
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
        background=_telling(settings, database, webhooks),
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
