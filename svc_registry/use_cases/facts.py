"""A graph's nodes with what the catalogue knows of them: a few queries, whatever the graph's size."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from typing import Any

from shared.contracts.lineage import NodeType, base_key, dataset_key, model_key, run_key
from shared.errors import InvalidInputError
from svc_registry.domain.facts import base_facts, dataset_facts, model_facts, reviews_facts, run_facts
from svc_registry.domain.graph import Graph
from svc_registry.ports import RegistryTransaction

MOST_NODES = 5_000
Known = tuple[str, dict[str, Any], datetime | None]


def with_facts(tx: RegistryTransaction, graph: Graph) -> Graph:
    """The graph with facts; InvalidInputError when it is larger than an answer should be."""
    if len(graph.nodes) > MOST_NODES:
        raise InvalidInputError.of(
            "include_facts",
            f"{len(graph.nodes)} nodes are more than {MOST_NODES}: ask for fewer steps, or without facts",
        )
    known = {key: (facts, made_at) for key, facts, made_at in _known(tx, graph)}
    nodes = []
    for node in graph.nodes:
        facts, made_at = known.get(node.key, ({}, None))
        nodes.append(replace(node, facts=facts, made_at=node.made_at or made_at))
    return Graph(nodes=tuple(nodes), edges=graph.edges)


def _known(tx: RegistryTransaction, graph: Graph) -> Iterator[Known]:
    keys: dict[str, set[str]] = defaultdict(set)
    for node in graph.nodes:
        keys[node.type].add(node.key)

    def last_parts(*types: NodeType) -> set[str]:
        return {key.rpartition("/")[2] for type_ in types for key in keys[type_]}

    for dataset in tx.datasets.with_digests(last_parts(NodeType.DATASET)):
        yield dataset_key(dataset.name, dataset.digest), dataset_facts(dataset), dataset.registered_at
    for base in tx.bases.with_digests(last_parts(NodeType.BASE)):
        yield base_key(base.digest), base_facts(base), base.registered_at
    for model in tx.models.of_runs(last_parts(NodeType.MODEL, NodeType.RUN)):
        run_id = model.made.run_id
        yield model_key(run_id), model_facts(model), model.registered_at
        yield run_key(run_id), run_facts(model), model.made.finished_at or model.registered_at
    for key, reviewers in tx.reviews.reviewers(keys[NodeType.REVIEWS]).items():
        yield key, reviews_facts(reviewers), None
