"""The graph as OpenLineage events: one COMPLETE for each run, prediction, and making of a dataset."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from graphlib import CycleError, TopologicalSorter
from typing import Any
from urllib.parse import quote, urlsplit
from uuid import NAMESPACE_URL, UUID, uuid5

from google.protobuf import json_format

from upwell.lineage import facets
from upwell.lineage.graph import Piece
from upwell.registry.v1 import lineage_service_pb2 as pb

NAMESPACE = "upwell"
RUN_EVENT = "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent"
MODELS = {"model", "base"}
# OpenLineage knows no absent time; nothing of ours is as old as this.
UNKNOWN_TIME = datetime(1970, 1, 1, tzinfo=UTC)


def openlineage(piece: Piece) -> Iterator[dict[str, Any]]:
    """The events, each after those that made what it used. Facts make facets; without them events are bare.

    An event holds what the piece holds: ask for the ancestors to have every input.
    """
    parents, children = piece.parents(), piece.children()
    for key in _in_order(piece, parents):
        if parents.get(key) and not _made_by_run(piece, parents[key]):
            outputs = children.get(key, []) if piece.nodes[key].type == "run" else [key]
            yield _event(piece, key, parents[key], outputs)


def _in_order(piece: Piece, parents: Mapping[str, Sequence[str]]) -> list[str]:
    """Keys, parents first."""
    sorter = TopologicalSorter({key: parents.get(key, ()) for key in piece.nodes})
    try:
        return list(sorter.static_order())
    except CycleError:
        # The ids of runs and jobs are their makers' own, so that a wrong one may close a circle.
        return list(piece.nodes)


def _made_by_run(piece: Piece, parents: Sequence[str]) -> bool:
    """Whether a run made the node, whose event tells of it."""
    return any(piece.nodes[parent].type == "run" for parent in parents)


def _event(piece: Piece, key: str, inputs: Sequence[str], outputs: Sequence[str]) -> dict[str, Any]:
    node = piece.nodes[key]
    facts = facts_of(node)
    run_facets = {"nominalTime": facets.nominal_time(facts), "upwell_trainingRun": facets.training_run(facts)}
    return {
        "eventType": "COMPLETE",
        "eventTime": _time(piece, [key], outputs, inputs).isoformat().replace("+00:00", "Z"),
        "producer": facets.PRODUCER,
        "schemaURL": RUN_EVENT,
        "run": {"runId": _run_id(key), "facets": _present(run_facets)},
        "job": _job(node, facts, piece, outputs),
        "inputs": [_dataset(piece.nodes[used]) for used in inputs],
        "outputs": [_output(piece.nodes[made]) for made in outputs],
    }


def _job(node: pb.LineageNode, facts: facets.Facts, piece: Piece, outputs: Sequence[str]) -> dict[str, Any]:
    """What was done, under a name that its next time shares."""
    made = piece.nodes[outputs[0]] if outputs else node
    match node.type:
        case "run":
            kind, name = "TRAINING", f"train/{facts.get('recipe', 'unknown')}/{_name(made)}"
        case "prediction":
            kind, name = "PREDICTION", f"predict/{node.label.partition(' on ')[0].partition('@')[0] or 'unknown'}"
        case _:
            producer = str(facts.get("producer", "")).partition("/")[0] or "make"
            kind, name = "DATASET", f"{producer}/{_name(made)}"
    return {"namespace": NAMESPACE, "name": name, "facets": {"jobType": facets.job_type(kind)}}


def _output(node: pb.LineageNode) -> dict[str, Any]:
    statistics = {"outputStatistics": facets.output_statistics(facts_of(node))}
    return {**_dataset(node), "outputFacets": _present(statistics)}


def _dataset(node: pb.LineageNode) -> dict[str, Any]:
    facts = facts_of(node)
    namespace, name = _place(node)
    digest = node.key.rpartition("/")[2] if node.type in {"dataset", "base"} else ""
    kind = "MODEL" if node.type in MODELS else "FILE"
    known = {
        "version": facets.dataset_version(facts, digest),
        "dataSource": facets.data_source(namespace, f"{NAMESPACE}:{quote(node.key)}"),
        "datasetType": facets.dataset_type(kind, str(facts.get("kind", ""))),
        "schema": facets.schema(facts),
        "upwell_reviews": facets.reviews(facts),
    }
    return {"namespace": namespace, "name": name, "facets": _present(known)}


def _place(node: pb.LineageNode) -> tuple[str, str]:
    """Namespace and name. A source lies where its address says, everything else in the registry."""
    if node.type != "source":
        return NAMESPACE, f"{node.type}/{_name(node)}"
    uri = node.key.partition("/")[2]
    parts = urlsplit(uri)
    if not parts.scheme:
        return NAMESPACE, f"source/{uri}"
    place = f"{parts.scheme}://{parts.netloc}" if parts.netloc else parts.scheme
    return place, uri.partition(":")[2].removeprefix(f"//{parts.netloc}") or uri


def _name(node: pb.LineageNode) -> str:
    """The name that a node's versions share, else what stands in its key."""
    inside = node.key.partition("/")[2]
    if node.type == "dataset":
        return inside.rpartition("/")[0] or inside
    if node.type in MODELS:
        return node.label.partition("@")[0] or inside
    return inside


def _time(piece: Piece, *groups: Sequence[str]) -> datetime:
    """When the node was made; where that is not known, when the newest of what it made, or used, was."""
    for keys in groups:
        times = [piece.nodes[key].made_at.ToDatetime(UTC) for key in keys if piece.nodes[key].HasField("made_at")]
        if times:
            return max(times)
    return UNKNOWN_TIME


def _run_id(key: str) -> str:
    """The run's own id where it is a UUID, else one that the same node always gets."""
    inside = key.partition("/")[2]
    try:
        return str(UUID(inside))
    except ValueError:
        return str(uuid5(NAMESPACE_URL, f"{NAMESPACE}:{key}"))


def facts_of(node: pb.LineageNode) -> dict[str, Any]:
    """A node's facts as JSON values; whole numbers may be floats."""
    return json_format.MessageToDict(node.facts)


def _present(values: Mapping[str, dict[str, Any] | None]) -> dict[str, dict[str, Any]]:
    return {name: value for name, value in values.items() if value is not None}
