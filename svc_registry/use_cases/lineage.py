"""Questions about the graph."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from shared.contracts.lineage import NodeType, dataset_key, model_key, run_key
from shared.errors import InvalidInputError, NotFoundError
from svc_registry.domain.graph import Direction, Graph
from svc_registry.ports import RegistryStore, RegistryTransaction
from svc_registry.use_cases.finding import locate_dataset, locate_model


def walk_lineage(store: RegistryStore, node: str, direction: Direction, *, max_depth: int) -> tuple[str, Graph]:
    """The sub-graph reached from a node that is named by key, reference or run id, with the node's key."""
    with store.reading() as tx:
        key = _node_key(tx, node)
        graph = tx.lineage.walk(key, direction, max_depth=max_depth)
        if not graph.nodes:
            raise NotFoundError(f"The lineage knows no {node!r}")
        return key, mark_deleted(tx, graph)


def mark_deleted(tx: RegistryTransaction, graph: Graph) -> Graph:
    """The graph, with its deleted versions marked."""
    deleted = tx.tombstones.among([node.key for node in graph.nodes])
    if not deleted:
        return graph
    return replace(graph, nodes=tuple(replace(node, deleted=node.key in deleted) for node in graph.nodes))


def _node_key(tx: RegistryTransaction, node: str) -> str:
    if node.partition("/")[0] in list(NodeType) and "/" in node:
        return node
    if tx.models.by_run(node):
        return run_key(node)
    matches = [key for find in (_dataset_node, _model_node) if (key := _or_none(find, tx, node))]
    if len(matches) > 1:
        raise InvalidInputError.of("node", f"{node!r} names a dataset and a model; use one of: {', '.join(matches)}")
    if not matches:
        raise NotFoundError(f"There is no dataset, model or run {node!r}")
    return matches[0]


def _dataset_node(tx: RegistryTransaction, node: str) -> str:
    record = locate_dataset(tx, node)
    return dataset_key(record.name, record.digest)


def _model_node(tx: RegistryTransaction, node: str) -> str:
    return model_key(locate_model(tx, node).made.run_id)


def _or_none(find: Callable[[RegistryTransaction, str], str], tx: RegistryTransaction, node: str) -> str | None:
    try:
        return find(tx, node)
    except (NotFoundError, InvalidInputError):
        return None
