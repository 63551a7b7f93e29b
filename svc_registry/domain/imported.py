"""Versions and their ancestry as imported files tell of them."""

from __future__ import annotations

from collections.abc import Sequence

from shared.contracts.lineage import NodeType, external_base_key, run_key
from shared.contracts.versions import BaseVersion, DatasetVersion, ModelRef
from svc_registry.domain.graph import Edge, Graph, Node, graph_of_model
from svc_registry.domain.records import NewModel
from svc_registry.domain.training_info import TrainingInfo


def version_of(info: TrainingInfo, place: int, run_id: str, parent: ModelRef | None) -> NewModel:
    """The version that an entry speaks of. The stage is known for the last alone: it is the file's.

    Its dataset and base are in no catalogue of ours, so they have a name and no digest.
    """
    entry = info.entries[place]
    return NewModel(
        name=info.model,
        run_id=run_id,
        recipe="",
        bundle_digest="",
        base=BaseVersion(name=info.base_model, digest=""),
        dataset=DatasetVersion(name=entry.dataset, digest=""),
        metrics=entry.metrics,
        hyperparameters=entry.hyperparameters,
        stage=info.stage if place == len(info.entries) - 1 else "",
        parent=parent,
        total_steps=entry.steps,
        epochs=entry.epochs,
        started_at=entry.started_at,
        finished_at=entry.finished_at,
    )


def graph_of_imported(made: NewModel, version: int) -> Graph:
    """As of any version, with what is known by its name alone told of by that name."""
    plain = graph_of_model(made, version)
    dataset = Node(key=made.dataset.key, type=NodeType.DATASET, label=made.dataset.name, seen=True)
    run = Node(key=run_key(made.run_id), type=NodeType.RUN, label=f"imported {made.run_id}", seen=True)
    told = {node.key: node for node in (dataset, run)}
    nodes = tuple(told.get(node.key, node) for node in plain.nodes)
    if made.parent or not made.base.name:
        return Graph(nodes=nodes, edges=plain.edges)
    base = Node(key=external_base_key(made.base.name), type=NodeType.BASE, label=made.base.name, seen=True)
    return Graph(nodes=(*nodes, base), edges=(*plain.edges, Edge(base.key, run.key)))


def joined(graphs: Sequence[Graph]) -> Graph:
    """Several graphs as one; a node that one of them has seen is seen."""
    nodes: dict[str, Node] = {}
    for node in (node for graph in graphs for node in graph.nodes):
        if node.seen or node.key not in nodes:
            nodes[node.key] = node
    edges = {edge: None for graph in graphs for edge in graph.edges}
    return Graph(nodes=tuple(nodes.values()), edges=tuple(edges))
