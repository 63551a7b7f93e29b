"""Wires the service: the one file that names adapters."""

from __future__ import annotations

from pathlib import Path

from shared.runtime.app import App
from shared.runtime.artifacts import Artifacts
from shared.runtime.auth import authenticator_for
from shared.runtime.bus import Bus
from shared.runtime.database import database_for
from shared.runtime.grpc_server import GrpcServer
from shared.runtime.object_store import object_store_for
from shared.runtime.signatures import trusted_keys
from svc_registry.adapters.store import SqlRegistryStore
from svc_registry.handlers import take_events
from svc_registry.rpc.lineage import lineage_rpc
from svc_registry.rpc.promotion import promotion_rpc
from svc_registry.rpc.registry import registry_rpc
from svc_registry.rpc.versions import version_rpc
from svc_registry.settings import DEFAULT_PORT, RegistrySettings

NAME = "svc_registry"
MIGRATIONS = Path(__file__).parent / "migrations"


def build(settings: RegistrySettings) -> App:
    """The service as its settings say; nothing connects yet."""
    database = database_for(settings, service=NAME)
    store = SqlRegistryStore(database, source=NAME)
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
        name=NAME, settings=settings, bus=bus, server=server, database=database, migrations=MIGRATIONS, objects=objects
    )
