"""The lineage graph in SQL: every question is one recursive query, whatever the depth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Row, text
from sqlmodel import Session

from shared.runtime.database import UtcDateTime, insert_or_ignore, insert_or_update
from svc_registry.adapters.tables import EdgeRow, NodeRow
from svc_registry.domain.graph import Direction, Edge, Graph, Node
from svc_registry.domain.paths import ways_between
from svc_registry.domain.reviews import Subject, SubjectType

# UNION drops rows already found, so a diamond is walked once. The depth is carried only where a limit asks for it:
# with it, one node at two depths is two rows.
WALK = """
WITH RECURSIVE walk(key{depth_column}) AS (
    SELECT key{depth_start} FROM lineage_nodes WHERE key = :root
    UNION
    SELECT edge.{far}{depth_next} FROM lineage_edges AS edge JOIN walk ON edge.{near} = walk.key {depth_limit}
), reached AS (SELECT DISTINCT key FROM walk)
"""
# A way from A down to B lies within the ancestors of B, so nothing else is walked: not all that was made from A, which
# may be half the graph. Which end is A is known once both have been walked.
ABOVE_BOTH = """
WITH RECURSIVE walk(key) AS (
    SELECT key FROM lineage_nodes WHERE key IN (:one, :other)
    UNION
    SELECT edge.parent FROM lineage_edges AS edge JOIN walk ON edge.child = walk.key
), reached AS (SELECT DISTINCT key FROM walk)
"""
BELOW = """
WITH RECURSIVE walk(key, is_start) AS (
    SELECT key, 1 FROM lineage_nodes WHERE key IN ({starts})
    UNION
    SELECT edge.child, 0 FROM walk JOIN lineage_edges AS edge ON edge.parent = walk.key {beyond}
), reached AS (SELECT key, MAX(is_start) AS is_start FROM walk GROUP BY key)
"""
STARTS = {
    SubjectType.REVIEWER: "SELECT key FROM review_set_reviewers WHERE reviewer = :value",
    SubjectType.CANDIDATE: "SELECT key FROM review_set_candidates WHERE candidate_id = :value",
    SubjectType.NODE: ":value",
}
# Keys begin with their type; what a model says of data is no training data before somebody has approved it.
NO_PREDICTIONS = "WHERE edge.child NOT LIKE 'prediction/%'"
# Edges from beyond what was reached come along and are dropped here: both databases would look up pairs of nodes one by
# one if they were asked for edges inside only.
SUB_GRAPH = """
SELECT node.key, node.type, node.label, node.seen, node.made_at, edge.parent{more}
FROM reached
JOIN lineage_nodes AS node ON node.key = reached.key
LEFT JOIN lineage_edges AS edge ON edge.child = reached.key
ORDER BY node.key, edge.parent
"""


class SqlLineage:
    """The `Lineage` port."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def add(self, graph: Graph) -> None:
        """Join a graph in, in an order that two writers share."""
        nodes = sorted(graph.nodes, key=lambda node: node.key)
        rows = [
            {"key": node.key, "type": node.type, "label": node.label, "seen": node.seen, "made_at": node.made_at}
            for node in nodes
        ]
        # Who only names a node changes nothing of one that stands.
        insert_or_update(self._session, NodeRow, rows, where=lambda new: new.seen)
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
        parameters: dict[str, str | int] = {"root": key}
        if max_depth:
            parameters["max_depth"] = max_depth
        return _graph(self._rows(query + SUB_GRAPH.format(more=""), parameters))

    def between(self, one: str, other: str) -> Graph:
        """One query, whichever end is the older one."""
        above = _graph(self._rows(ABOVE_BOTH + SUB_GRAPH.format(more=""), {"one": one, "other": other}))
        return ways_between(one, other, above)

    def below(self, subject: Subject, *, through_predictions: bool) -> tuple[frozenset[str], Graph]:
        """One query over the index and the graph."""
        query = BELOW.format(starts=STARTS[subject.type], beyond="" if through_predictions else NO_PREDICTIONS)
        rows = self._rows(query + SUB_GRAPH.format(more=", reached.is_start"), {"value": subject.value})
        return frozenset(row.key for row in rows if row.is_start), _graph(rows)

    def _rows(self, query: str, parameters: Mapping[str, str | int]) -> Sequence[Row[Any]]:
        statement = text(query).columns(made_at=UtcDateTime)
        return self._session.connection().execute(statement, parameters).all()


def _graph(rows: Sequence[Row[Any]]) -> Graph:
    nodes = {
        row.key: Node(key=row.key, type=row.type, label=row.label, seen=bool(row.seen), made_at=row.made_at)
        for row in rows
    }
    edges = (Edge(row.parent, row.key) for row in rows if row.parent in nodes)
    return Graph(nodes=tuple(nodes.values()), edges=tuple(edges))
