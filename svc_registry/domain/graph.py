"""The lineage graph: nodes, and edges from what was used to what was made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from shared.contracts.lineage import NodeType, base_key, model_key, node_type, prediction_key, run_key
from shared.contracts.manifest import Manifest
from shared.contracts.versions import ModelRef
from svc_registry.domain.records import NewModel, NewPrediction


class Direction(StrEnum):
    """Up to what it was made from, down to what was made from it."""

    UP = "up"
    DOWN = "down"


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A node; `label` is what people call it, `seen` is False while only an edge has named it.

    `facts` (JSON values) are there where they were asked for. `made_at` is stored for what has no record of its own;
    for the rest it comes with the facts.
    """

    key: str
    type: str
    label: str = ""
    seen: bool = False
    made_at: datetime | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)
    deleted: bool = False


@dataclass(frozen=True, slots=True)
class Edge:
    """`parent` went into `child`."""

    parent: str
    child: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Graph:
    """Some nodes and the edges between them; what several facts say is joined by union, so their order is free."""

    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]


def graph_of_manifest(key: str, label: str, manifest: Manifest) -> Graph:
    """What a dataset's manifest says of its ancestry."""
    parents = tuple(_named_by_edge(parent) for parent in manifest.parents)
    return Graph(nodes=(_seen(key, label), *parents), edges=tuple(Edge(parent, key) for parent in manifest.parents))


def graph_of_base(name: str, digest: str) -> Graph:
    """A base has no ancestors."""
    return Graph(nodes=(_seen(base_key(digest), name),), edges=())


def graph_of_model(model: NewModel, version: int) -> Graph:
    """dataset, base, parent version -> run -> model version."""
    run, made = run_key(model.run_id), model_key(model.run_id)
    # A version that was uploaded may have no dataset.
    used = [model.dataset.key] if model.dataset.digest else []
    if model.base.digest:
        used.append(base_key(model.base.digest))
    if model.parent:
        used.append(model_key(model.parent.run_id))
    nodes = (_seen(made, f"{model.name}@{version}"), _seen(run, f"{model.recipe} {model.run_id}"))
    return Graph(
        nodes=(*nodes, *(_named_by_edge(key) for key in used)),
        edges=(*(Edge(key, run) for key in used), Edge(run, made)),
    )


def graph_of_copy(original: ModelRef, copy: ModelRef) -> Graph:
    """Model version -> its copy."""
    key, parent = model_key(copy.run_id), model_key(original.run_id)
    return Graph(nodes=(_seen(key, str(copy)), _named_by_edge(parent)), edges=(Edge(parent, key),))


def children_of(key: str, below: Graph) -> tuple[Node, ...]:
    """Versions made from a version, at once or by one run, that are not deleted; `below` reaches two steps down."""
    versions = {node.key: node for node in below.nodes if node.type in {NodeType.DATASET, NodeType.MODEL}}
    runs = {edge.child for edge in below.edges if edge.parent == key and node_type(edge.child) is NodeType.RUN}
    made = {edge.child for edge in below.edges if edge.parent == key or edge.parent in runs}
    found = (versions[child] for child in made - {key} if child in versions)
    return tuple(sorted((node for node in found if not node.deleted), key=lambda node: node.label))


def graph_of_prediction(prediction: NewPrediction) -> Graph:
    """Model version, dataset -> prediction."""
    key = prediction_key(prediction.job_id)
    used = (model_key(prediction.run_id), prediction.dataset.key)
    label = f"{prediction.model_name}@{prediction.model_version} on {prediction.dataset}"
    return Graph(
        nodes=(_seen(key, label, prediction.finished_at), *(_named_by_edge(parent) for parent in used)),
        edges=tuple(Edge(parent, key) for parent in used),
    )


def _seen(key: str, label: str, made_at: datetime | None = None) -> Node:
    return Node(key=key, type=node_type(key), label=label, seen=True, made_at=made_at)


def _named_by_edge(key: str) -> Node:
    return Node(key=key, type=node_type(key))
