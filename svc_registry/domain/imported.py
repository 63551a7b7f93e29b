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
    run = Node(key=run_key(made.run_id), type=NodeType.RUN, label=f"imported {made.run_id}", seen=True)
    used = [Node(key=made.dataset.key, type=NodeType.DATASET, label=made.dataset.name, seen=True)]
    if made.base.name and not made.parent:
        key = external_base_key(made.base.name)
        used.append(Node(key=key, type=NodeType.BASE, label=made.base.name, seen=True))
    told = Graph(nodes=(run, *used), edges=tuple(Edge(node.key, run.key) for node in used))
    return joined([graph_of_model(made, version), told])


def joined(graphs: Sequence[Graph]) -> Graph:
    """Several graphs as one; what a later one has seen of a node takes the place of what was known of it."""
    nodes: dict[str, Node] = {}
    for node in (node for graph in graphs for node in graph.nodes):
        if node.seen or node.key not in nodes:
            nodes[node.key] = node
    edges = {edge: None for graph in graphs for edge in graph.edges}
    return Graph(nodes=tuple(nodes.values()), edges=tuple(edges))
