"""A piece of the lineage graph as every drawing needs it: in a fixed order, with names for people."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from upwell.registry.v1 import lineage_service_pb2 as pb

LONGEST_NAME = 60
DIGEST = re.compile(r"([0-9a-f]{12})[0-9a-f]{52}")
# Sources and reviews are known by the edges to them alone; these have an event of their own.
ANNOUNCED = {"dataset", "run", "model", "base", "prediction"}


@dataclass(frozen=True, slots=True)
class Piece:
    """Nodes by key, in order, and who was made from whom.

    Attributes:
        root: key of the node that was asked for.
        nodes: by key.
        edges: (parent, child), in order.
    """

    root: str
    nodes: Mapping[str, pb.LineageNode]
    edges: Sequence[tuple[str, str]]

    def parents(self) -> Mapping[str, list[str]]:
        """What each node was made from."""
        return _grouped((child, parent) for parent, child in self.edges)

    def children(self) -> Mapping[str, list[str]]:
        """What was made from each node."""
        return _grouped(self.edges)


def piece_of(root: str, nodes: Iterable[pb.LineageNode], edges: Iterable[pb.LineageEdge]) -> Piece:
    """An answer of the registry, in an order that depends on its content alone."""
    return Piece(
        root=root,
        nodes={node.key: node for node in sorted(nodes, key=lambda node: node.key)},
        edges=sorted({(edge.parent, edge.child) for edge in edges}),
    )


def name_of(node: pb.LineageNode) -> str:
    """What people call a node: its label, else its key with digests cut short."""
    name = node.label or DIGEST.sub(r"\1", node.key.partition("/")[2])
    return name if len(name) <= LONGEST_NAME else name[: LONGEST_NAME - 1] + "…"


def is_awaited(node: pb.LineageNode) -> bool:
    """Whether only an edge has named the node so far, and an event of its own is still to come."""
    return not node.seen and node.type in ANNOUNCED


def _grouped(pairs: Iterable[tuple[str, str]]) -> Mapping[str, list[str]]:
    grouped: dict[str, list[str]] = defaultdict(list)
    for one, other in pairs:
        grouped[one].append(other)
    return grouped
