"""Events in: translate and delegate."""

from __future__ import annotations

import asyncio

from shared.ports import ArtifactStore
from shared.runtime.bus import Bus
from svc_registry.indexer import ReviewIndexer
from svc_registry.ports import RegistryStore
from svc_registry.use_cases import registering
from svc_registry.wire.reports import new_model, new_prediction
from upwell.infer.v1 import events_pb2 as infer
from upwell.registry.v1 import events_pb2 as registry
from upwell.train.v1 import events_pb2 as train


def take_events(bus: Bus, store: RegistryStore, artifacts: ArtifactStore, indexer: ReviewIndexer) -> None:
    """Take what makers say they made."""

    async def on_dataset_produced(body: registry.DatasetProduced) -> None:
        await asyncio.to_thread(
            registering.register_dataset,
            store,
            artifacts,
            name=body.name,
            kind=body.kind,
            digest=body.manifest_digest,
            producer=body.producer,
        )
        await indexer.index_dataset(body.name, body.manifest_digest)

    async def on_base_produced(body: registry.BaseProduced) -> None:
        await asyncio.to_thread(
            registering.register_base, store, artifacts, name=body.name, digest=body.manifest_digest
        )

    async def on_train_completed(body: train.TrainCompleted) -> None:
        await asyncio.to_thread(registering.register_model, store, artifacts, new_model(body))

    async def on_infer_completed(body: infer.InferCompleted) -> None:
        await asyncio.to_thread(registering.record_prediction, store, new_prediction(body))

    bus.take(registry.DatasetProduced, on_dataset_produced)
    bus.take(registry.BaseProduced, on_base_produced)
    bus.take(train.TrainCompleted, on_train_completed)
    bus.take(infer.InferCompleted, on_infer_completed)
