"""Ways through the lineage graph."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Collection
from dataclasses import dataclass

from svc_registry.domain.graph import Graph, Node


@dataclass(frozen=True, slots=True, kw_only=True)
class Path:
    """Every way between two nodes. Both ends are empty when neither was made from the other."""

    ancestor: str
    descendant: str
    graph: Graph


def path_between(one: str, other: str, graph: Graph) -> Path:
    """Tell which end is the older one; `graph` holds nothing but ways between the two."""
    if one != other and not graph.edges:
        return Path(ancestor="", descendant="", graph=graph)
    made = {edge.child for edge in graph.edges}
    ancestor, descendant = (one, other) if other in made else (other, one)
    return Path(ancestor=ancestor, descendant=descendant, graph=graph)


class Ways:
    """Shortest ways down from some nodes. Of ways that are equally short, the one that comes first by key is taken."""

    def __init__(self, graph: Graph, starts: Collection[str]) -> None:
        self._nodes = {node.key: node for node in graph.nodes}
        children: dict[str, list[str]] = defaultdict(list)
        for edge in graph.edges:
            children[edge.parent].append(edge.child)
        self._came_from: dict[str, str] = dict.fromkeys(sorted(starts), "")
        waiting = deque(self._came_from)
        while waiting:
            key = waiting.popleft()
            for child in sorted(children[key]):
                if child not in self._came_from:
                    self._came_from[child] = key
                    waiting.append(child)

    def to(self, key: str) -> tuple[Node, ...]:
        """The way to a node that can be reached, both ends included."""
        way = [key]
        while came_from := self._came_from[way[-1]]:
            way.append(came_from)
        return tuple(self._nodes[step] for step in reversed(way))
