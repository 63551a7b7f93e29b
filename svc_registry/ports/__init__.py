"""What the catalogue asks of its database, the object store, the bus and webhooks."""

from __future__ import annotations

from svc_registry.ports.blobs import BlobStore
from svc_registry.ports.histories import Chains, Histories
from svc_registry.ports.lineage import Lineage, ReviewFiles, ReviewIndex
from svc_registry.ports.marks import Gates, Ledger, Signatures, Tombstones
from svc_registry.ports.restoring import EventLog, Restorer, RestoringStore
from svc_registry.ports.store import RegistryStore, RegistryTransaction
from svc_registry.ports.versions import Bases, Datasets, Models
from svc_registry.ports.webhooks import Deliveries, Poster

__all__ = [
    "Bases",
    "BlobStore",
    "Chains",
    "Datasets",
    "Deliveries",
    "EventLog",
    "Gates",
    "Histories",
    "Ledger",
    "Lineage",
    "Models",
    "Poster",
    "RegistryStore",
    "RegistryTransaction",
    "Restorer",
    "RestoringStore",
    "ReviewFiles",
    "ReviewIndex",
    "Signatures",
    "Tombstones",
]
