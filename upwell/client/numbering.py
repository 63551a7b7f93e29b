"""Waiting for the registry to number what was just made, or to refuse it."""

from __future__ import annotations

from google.protobuf import json_format
from nats.errors import Error as NatsError

from upwell.bus import connection
from upwell.client.failures import in_sentences
from upwell.client.registry import RegistryClient
from upwell.client.waiting import until
from upwell.common.v1 import common_pb2
from upwell.errors import BusError, ToolError, UpwellClientError
from upwell.events import BY_MESSAGE
from upwell.registry.v1 import events_pb2, registry_service_pb2

WITHIN_S = 60.0


class Numbering:
    """Asks the registry, and reads its refusals from the bus.

    Args:
        registry: the catalogue.
        nats_url: the bus; empty leaves refusals unread, so that they end in the patience being over.
    """

    def __init__(self, registry: RegistryClient, nats_url: str) -> None:
        self._registry = registry
        self._nats_url = nats_url

    async def dataset(
        self, made: common_pb2.DatasetRef, *, within_s: float = WITHIN_S
    ) -> registry_service_pb2.DatasetVersion:
        """The numbered version of what a maker has just announced.

        Raises:
            ToolError: the registry refused it, with its reason; or the patience is over.
        """

        async def ask() -> registry_service_pb2.DatasetVersion | None:
            try:
                return await self._registry.produced_dataset(made)
            except UpwellClientError as error:
                if error.code == "NOT_FOUND":
                    await self._raise_if_refused(made)
                raise

        return await until(ask, within_s=within_s, what=f"The registry's number for {made.name}")

    async def _raise_if_refused(self, made: common_pb2.DatasetRef) -> None:
        rejected = await self._last_rejected()
        if rejected is not None and _key(rejected.dataset) == _key(made):
            raise ToolError(f"The registry refused {made.name}: {in_sentences(rejected.failure)}")

    async def _last_rejected(self) -> events_pb2.DatasetRejected | None:
        event = BY_MESSAGE[events_pb2.DatasetRejected]
        if not self._nats_url:
            return None
        try:
            async with connection(self._nats_url) as client:
                message = await client.jetstream().get_last_msg(event.stream, event.subject)
        except (BusError, NatsError, OSError):
            return None  # none was ever refused, or the bus is away: ask again later
        return json_format.Parse(message.data or b"{}", events_pb2.DatasetRejected(), ignore_unknown_fields=True)


def _key(ref: common_pb2.DatasetRef) -> tuple[str, str]:
    return ref.name, ref.manifest_digest
