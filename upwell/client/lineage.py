"""What was made from what."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import grpc

from upwell.client.calls import Caller
from upwell.registry.v1 import lineage_service_pb2, lineage_service_pb2_grpc

Subject = Literal["reviewer", "source", "candidate", "dataset"]
PAGE = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainedModels:
    """Model versions that learnt from something, newest first.

    Attributes:
        models: each with a shortest way that explains it.
        start_count: how many nodes the question's subject stands for; 0 means that no review set names it.
        unread: review sets that could not be read, so that models may be missing.
    """

    models: list[lineage_service_pb2.TrainedModel]
    start_count: int
    unread: list[lineage_service_pb2.UnreadReviews]


class LineageClient:
    """svc_registry's lineage graph."""

    def __init__(self, channel: grpc.aio.Channel, caller: Caller) -> None:
        self._stub = lineage_service_pb2_grpc.LineageServiceStub(channel)
        self._caller = caller

    async def ancestors(
        self, node: str, *, max_depth: int = 0, facts: bool = False
    ) -> lineage_service_pb2.GetLineageResponse:
        """What the node was made from, at any depth (0) or at most so deep.

        Args:
            node: a node's key, `name@3`, `name:alias`, or a run's id.
            max_depth: steps to walk; 0 means all.
            facts: also what the registry knows of each node.
        """
        return await self._walk(node, lineage_service_pb2.DIRECTION_UP, max_depth, facts)

    async def descendants(
        self, node: str, *, max_depth: int = 0, facts: bool = False
    ) -> lineage_service_pb2.GetLineageResponse:
        """What was made from the node; arguments as for `ancestors`."""
        return await self._walk(node, lineage_service_pb2.DIRECTION_DOWN, max_depth, facts)

    async def path(self, one: str, other: str, *, facts: bool = False) -> lineage_service_pb2.FindPathResponse:
        """Everything on any way between two nodes, in either order; its ends are empty when there is no way."""
        request = lineage_service_pb2.FindPathRequest(one=one, other=other, include_facts=facts)
        return await self._caller.call(self._stub.FindPath, request)

    async def trained_models(
        self, subject: Subject, value: str, *, through_predictions: bool = False, limit: int = 100
    ) -> TrainedModels:
        """The model versions that learnt from something.

        Args:
            subject: what `value` names.
            value: a reviewer's name, a source (its node's key, or a file's name), a candidate's id, a dataset version.
            through_predictions: also models that learnt from labels which such a model had proposed.
            limit: at most so many.
        """
        found = TrainedModels(models=[], start_count=0, unread=[])
        token = ""
        while len(found.models) < limit:
            request = lineage_service_pb2.FindTrainedModelsRequest(
                **{subject: value},
                through_predictions=through_predictions,
                page_size=min(limit - len(found.models), PAGE),
                page_token=token,
            )
            answer = await self._caller.call(self._stub.FindTrainedModels, request)
            found = TrainedModels(
                models=[*found.models, *answer.models],
                start_count=answer.start_count,
                unread=list(answer.unread),
            )
            token = answer.next_page_token
            if not token:
                break
        return found

    async def _walk(
        self, node: str, direction: lineage_service_pb2.Direction.ValueType, max_depth: int, facts: bool
    ) -> lineage_service_pb2.GetLineageResponse:
        request = lineage_service_pb2.GetLineageRequest(
            node=node, direction=direction, max_depth=max_depth, include_facts=facts
        )
        return await self._caller.call(self._stub.GetLineage, request)
