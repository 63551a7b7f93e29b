"""The lineage graph in SQL: ancestors or descendants of any depth in one recursive query."""

from __future__ import annotations

from sqlalchemy import text
from sqlmodel import Session, col, update

from shared.runtime.database import insert_or_ignore
from svc_registry.adapters.tables import EdgeRow, NodeRow
from svc_registry.domain.graph import Direction, Edge, Graph, Node

# UNION drops rows already found, so a diamond is walked once. The depth is carried only where a limit asks for it:
# with it, one node at two depths is two rows.
WALK = """
WITH RECURSIVE walk(key{depth_column}) AS (
    SELECT key{depth_start} FROM lineage_nodes WHERE key = :root
    UNION
    SELECT edge.{far}{depth_next} FROM lineage_edges AS edge JOIN walk ON edge.{near} = walk.key {depth_limit}
), reached AS (SELECT DISTINCT key FROM walk)
SELECT node.key, node.type, node.label, node.seen, edge.parent
FROM reached
JOIN lineage_nodes AS node ON node.key = reached.key
LEFT JOIN lineage_edges AS edge ON edge.child = reached.key AND edge.parent IN (SELECT key FROM reached)
ORDER BY node.key, edge.parent
"""


class SqlLineage:
    """The `Lineage` port."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def add(self, graph: Graph) -> None:
        """Join a graph in, in an order that two writers share."""
        nodes = sorted(graph.nodes, key=lambda node: node.key)
        rows = [{"key": node.key, "type": node.type, "label": node.label, "seen": node.seen} for node in nodes]
        insert_or_ignore(self._session, NodeRow, rows)
        for node in nodes:
            if node.seen:
                self._session.exec(
                    update(NodeRow).where(col(NodeRow.key) == node.key).values(label=node.label, seen=True)
                )
        edges = sorted({(edge.child, edge.parent) for edge in graph.edges})
        insert_or_ignore(self._session, EdgeRow, [{"child": child, "parent": parent} for child, parent in edges])

    def walk(self, key: str, direction: Direction, *, max_depth: int) -> Graph:
        """One query, whatever the depth."""
        near, far = ("child", "parent") if direction is Direction.UP else ("parent", "child")
        query = WALK.format(
            near=near,
            far=far,
            depth_column=", depth" if max_depth else "",
            depth_start=", 0" if max_depth else "",
            depth_next=", walk.depth + 1" if max_depth else "",
            depth_limit="WHERE walk.depth < :max_depth" if max_depth else "",
        )
        parameters = {"root": key, "max_depth": max_depth} if max_depth else {"root": key}
        nodes: dict[str, Node] = {}
        edges: list[Edge] = []
        for row in self._session.connection().execute(text(query), parameters):
            nodes[row.key] = Node(key=row.key, type=row.type, label=row.label, seen=bool(row.seen))
            if row.parent is not None:
                edges.append(Edge(row.parent, row.key))
        return Graph(nodes=tuple(nodes.values()), edges=tuple(edges))
