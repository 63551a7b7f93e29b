"""Ways through the lineage graph."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Collection, Mapping
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


def ways_between(one: str, other: str, graph: Graph) -> Graph:
    """Cut a graph down to the ways between two of its nodes, whichever is the older one, and to these two."""
    down, up = _neighbours(graph)
    inside = {one, other}
    for older, younger in ((one, other), (other, one)):
        inside |= _reached(older, down) & _reached(younger, up)
    return Graph(
        nodes=tuple(node for node in graph.nodes if node.key in inside),
        edges=tuple(edge for edge in graph.edges if edge.parent in inside and edge.child in inside),
    )


def _neighbours(graph: Graph) -> tuple[Mapping[str, list[str]], Mapping[str, list[str]]]:
    """By node, what was made from it, and what it was made from."""
    down: dict[str, list[str]] = defaultdict(list)
    up: dict[str, list[str]] = defaultdict(list)
    for edge in graph.edges:
        down[edge.parent].append(edge.child)
        up[edge.child].append(edge.parent)
    return down, up


def _reached(start: str, neighbours: Mapping[str, list[str]]) -> set[str]:
    reached, waiting = {start}, [start]
    while waiting:
        for key in neighbours.get(waiting.pop(), ()):
            if key not in reached:
                reached.add(key)
                waiting.append(key)
    return reached


class Ways:
    """Shortest ways down from some nodes. Of ways that are equally short, the one that comes first by key is taken."""

    def __init__(self, graph: Graph, starts: Collection[str]) -> None:
        self._nodes = {node.key: node for node in graph.nodes}
        children, _ = _neighbours(graph)
        self._came_from: dict[str, str] = dict.fromkeys(sorted(starts), "")
        waiting = deque(self._came_from)
        while waiting:
            key = waiting.popleft()
            for child in sorted(children.get(key, ())):
                if child not in self._came_from:
                    self._came_from[child] = key
                    waiting.append(child)

    def to(self, key: str) -> tuple[Node, ...]:
        """The way to a node that can be reached, both ends included."""
        way = [key]
        while came_from := self._came_from[way[-1]]:
            way.append(came_from)
        return tuple(self._nodes[step] for step in reversed(way))
