"""Questions about the graph."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from shared.contracts.lineage import NodeType, dataset_key, model_key, run_key, source_key
from shared.errors import InvalidInputError, NotFoundError
from svc_registry.domain.graph import Direction, Graph, Node
from svc_registry.domain.paths import Path, Ways, path_between
from svc_registry.domain.records import ModelRecord
from svc_registry.domain.reviews import Subject, SubjectType, UnreadSet
from svc_registry.ports import RegistryStore, RegistryTransaction
from svc_registry.use_cases.facts import with_facts
from svc_registry.use_cases.finding import locate_dataset, locate_model

MOST_UNREAD = 100


def walk_lineage(
    store: RegistryStore, node: str, direction: Direction, *, max_depth: int, include_facts: bool = False
) -> tuple[str, Graph]:
    """The sub-graph reached from a node that is named by key, reference or run id, with the node's key."""
    with store.reading() as tx:
        key = _node_key(tx, "node", node)
        graph = tx.lineage.walk(key, direction, max_depth=max_depth)
        if not graph.nodes:
            raise NotFoundError(f"The lineage knows no {node!r}")
        graph = mark_deleted(tx, graph)
        return key, with_facts(tx, graph) if include_facts else graph


def mark_deleted(tx: RegistryTransaction, graph: Graph) -> Graph:
    """The graph, with its deleted versions marked."""
    deleted = tx.tombstones.among([node.key for node in graph.nodes])
    if not deleted:
        return graph
    return replace(graph, nodes=tuple(replace(node, deleted=node.key in deleted) for node in graph.nodes))


def find_path(store: RegistryStore, one: str, other: str, *, include_facts: bool = False) -> Path:
    """Every way between two nodes, whichever of them is the older one."""
    with store.reading() as tx:
        ends = {"one": one, "other": other}
        keys = {field: _node_key(tx, field, node) for field, node in ends.items()}
        graph = mark_deleted(tx, tx.lineage.between(keys["one"], keys["other"]))
        known = {node.key for node in graph.nodes}
        for field, node in ends.items():
            if keys[field] not in known:
                raise NotFoundError(f"The lineage knows no {node!r}")
        return path_between(keys["one"], keys["other"], with_facts(tx, graph) if include_facts else graph)


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainedModels:
    """Model versions that learnt from a subject, newest first, each with a shortest way that explains it.

    Attributes:
        models: the page.
        start_count: how many nodes the subject stands for.
        unread: review sets that may name the subject, for they are not indexed.
    """

    models: Sequence[tuple[ModelRecord, Sequence[Node]]]
    start_count: int
    unread: Sequence[UnreadSet]


def find_trained_models(
    store: RegistryStore, subject: str, value: str, *, through_predictions: bool, before_id: int, limit: int
) -> TrainedModels:
    """The model versions that learnt from a `reviewer`, `candidate`, `source` or `dataset`.

    Args:
        store: the service's database.
        subject: which of the four.
        value: its name, id, or reference.
        through_predictions: also models that learnt from labels which such a model had proposed.
        before_id: only models with a smaller id; 0 begins at the newest.
        limit: at most so many.

    Raises:
        NotFoundError: there is no such source or dataset.
    """
    if not value:
        raise InvalidInputError.of(subject or "subject", "name a reviewer, source, candidate or dataset")
    with store.reading() as tx:
        asked = _subject(tx, subject, value)
        starts, graph = tx.lineage.below(asked, through_predictions=through_predictions)
        if not starts and asked.type is SubjectType.NODE:
            raise NotFoundError(f"The lineage knows no {subject} {value!r}")
        runs = [node.key.partition("/")[2] for node in graph.nodes if node.type == NodeType.MODEL]
        records = [record for record in tx.models.of_runs(runs) if not before_id or record.id < before_id][:limit]
        unread = () if asked.type is SubjectType.NODE else tx.reviews.unread(limit=MOST_UNREAD)
    ways = Ways(graph, starts)
    return TrainedModels(
        models=[(record, ways.to(model_key(record.made.run_id))) for record in records],
        start_count=len(starts),
        unread=unread,
    )


def _subject(tx: RegistryTransaction, subject: str, value: str) -> Subject:
    match subject:
        case "source":
            return Subject(SubjectType.NODE, _source_node(tx, value))
        case "dataset":
            is_key = value.startswith(f"{NodeType.DATASET}/")
            return Subject(SubjectType.NODE, value if is_key else _dataset_node(tx, value))
        case _:
            return Subject(SubjectType(subject), value)


def _source_node(tx: RegistryTransaction, source: str) -> str:
    """The key of a source that is named by key, by what follows the type in it, or as a file."""
    if source.startswith(f"{NodeType.SOURCE}/"):
        return source
    keys = [source_key(source), source_key(f"file:{source}")]
    return next((key for key in keys if _is_known(tx, key)), keys[0])


def _node_key(tx: RegistryTransaction, field: str, node: str) -> str:
    if node.partition("/")[0] in list(NodeType) and "/" in node:
        return node
    if tx.models.by_run(node):
        return _run_node(tx, node)
    matches = [key for find in (_dataset_node, _model_node) if (key := _or_none(find, tx, node))]
    if len(matches) > 1:
        raise InvalidInputError.of(field, f"{node!r} names a dataset and a model; use one of: {', '.join(matches)}")
    if not matches:
        raise NotFoundError(f"There is no dataset, model or run {node!r}")
    return matches[0]


def _run_node(tx: RegistryTransaction, run_id: str) -> str:
    """The run's node; the version's own where no run made it, for then it is a copy."""
    key = run_key(run_id)
    return key if _is_known(tx, key) else model_key(run_id)


def _is_known(tx: RegistryTransaction, key: str) -> bool:
    return bool(tx.lineage.walk(key, Direction.UP, max_depth=1).nodes)


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
