"""Between lineage values and protobuf."""

from __future__ import annotations

from collections.abc import Sequence

from shared.runtime.convert import struct, timestamp
from svc_registry.domain.graph import Edge, Graph, Node
from svc_registry.domain.paths import Path
from svc_registry.use_cases.lineage import TrainedModels
from svc_registry.wire.versions import model_message
from upwell.registry.v1 import lineage_service_pb2 as pb


def graph_message(root: str, graph: Graph) -> pb.GetLineageResponse:
    """A sub-graph for the caller."""
    return pb.GetLineageResponse(root=root, nodes=_nodes(graph.nodes), edges=_edges(graph.edges))


def path_message(path: Path) -> pb.FindPathResponse:
    """The ways between two nodes for the caller."""
    return pb.FindPathResponse(
        ancestor=path.ancestor,
        descendant=path.descendant,
        nodes=_nodes(path.graph.nodes),
        edges=_edges(path.graph.edges),
    )


def trained_message(found: TrainedModels, *, next_page_token: str) -> pb.FindTrainedModelsResponse:
    """A page of models for the caller."""
    return pb.FindTrainedModelsResponse(
        models=[pb.TrainedModel(model=model_message(record), path=_nodes(path)) for record, path in found.models],
        next_page_token=next_page_token,
        start_count=found.start_count,
        unread=[pb.UnreadReviews(key=unread.key, reason=unread.reason) for unread in found.unread],
    )


def _nodes(nodes: Sequence[Node]) -> list[pb.LineageNode]:
    return [
        pb.LineageNode(
            key=node.key,
            type=node.type,
            label=node.label,
            seen=node.seen,
            deleted=node.deleted,
            facts=struct(node.facts) if node.facts else None,
            made_at=timestamp(node.made_at),
        )
        for node in nodes
    ]


def _edges(edges: Sequence[Edge]) -> list[pb.LineageEdge]:
    return [pb.LineageEdge(parent=edge.parent, child=edge.child) for edge in edges]
