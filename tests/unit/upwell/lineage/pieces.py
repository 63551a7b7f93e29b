"""Graphs as the registry answers with them."""

from __future__ import annotations

import random
from typing import Any

from google.protobuf import json_format

from upwell.lineage.graph import Piece, piece_of
from upwell.registry.v1 import lineage_service_pb2 as pb

SERIES, LABELS = "dataset/泵-7/" + "a" * 64, "dataset/labels/" + "c" * 64
REVIEWS, BASE = "reviews/" + "d" * 64, "base/" + "b" * 64
RUN = "run/0f4a4f0e-2f3b-5c59-9d62-3a1f0c1b2d3e"
MODEL = "model/0f4a4f0e-2f3b-5c59-9d62-3a1f0c1b2d3e"
NEXT_RUN, NEXT_MODEL = "run/second run", "model/second run"


def node(key: str, label: str = "", *, seen: bool = True, made_at: str = "", **facts: Any) -> pb.LineageNode:
    made = pb.LineageNode(key=key, type=key.partition("/")[0], label=label, seen=seen)
    if facts:
        json_format.ParseDict(facts, made.facts)
    if made_at:
        made.made_at.FromJsonString(made_at)
    return made


def edge(parent: str, child: str) -> pb.LineageEdge:
    return pb.LineageEdge(parent=parent, child=child)


def run_of(number: int, **more: Any) -> dict[str, Any]:
    """The facts of a run."""
    return {
        "run_id": f"run-{number}",
        "recipe": "series-lm",
        "model": f"detector@{number}",
        "dataset": "labels@1",
        "base": {"name": "tiny-qwen", "digest": "b" * 64},
        "metrics": {"f1": 0.5, "loss": 1.25},
        "hyperparameters": {"max_steps": 40, "method": "lora", "nested": {"a": [1, None]}},
        "total_steps": 40,
        "tokens": 123456,
        "epochs": 1.5,
        "started_at": "2026-11-27T08:00:00+00:00",
        "finished_at": "2026-11-27T08:10:00+00:00",
        "environment": {"torch": "2.13.0"},
        **more,
    }


NODES = [
    node("source/file:泵.csv", seen=False),
    node(
        SERIES,
        "泵-7@3",
        made_at="2026-11-27T07:00:00Z",
        name="泵-7",
        version=3,
        kind="series/v1",
        digest="a" * 64,
        producer="svc_ingest/job",
        size_bytes=2048,
        rows=100,
        channels=[{"name": "温度"}, {"name": 'pressure "bar"'}],
    ),
    node(REVIEWS, seen=False, reviewers={"rita": 2, "丽塔": 1}, candidate_count=3),
    node(
        LABELS,
        "labels@1",
        made_at="2026-11-27T07:30:00Z",
        name="labels",
        version=1,
        kind="segments/v1",
        producer="svc_label/export",
        segment_count=3,
        size_bytes=10,
    ),
    node(BASE, "tiny-qwen", name="tiny-qwen", digest="b" * 64, size_bytes=99),
    node(RUN, "series-lm 0f4a", made_at="2026-11-27T08:10:00Z", **run_of(1)),
    node(MODEL, "detector@1", made_at="2026-11-27T08:10:01Z", name="detector", version=1, metrics={"f1": 0.5}),
    node(
        NEXT_RUN,
        "series-lm second run",
        made_at="2026-11-27T09:00:00Z",
        **run_of(2, stage="stage2", parent="detector@1"),
    ),
    node(NEXT_MODEL, "detector@2", name="detector", version=2),
    node("prediction/job-1", "detector@2 on 泵-7@3", made_at="2026-11-27T10:00:00Z"),
]
EDGES = [
    edge("source/file:泵.csv", SERIES),
    edge(SERIES, LABELS),
    edge(REVIEWS, LABELS),
    edge(LABELS, RUN),
    edge(BASE, RUN),
    edge(RUN, MODEL),
    edge(MODEL, NEXT_RUN),
    edge(LABELS, NEXT_RUN),
    edge(NEXT_RUN, NEXT_MODEL),
    edge(NEXT_MODEL, "prediction/job-1"),
    edge(SERIES, "prediction/job-1"),
]


def chain(seed: int = 0) -> Piece:
    """From a source through two stages to a prediction; another seed, another order of the same answer."""
    order = random.Random(seed)
    return piece_of("prediction/job-1", order.sample(NODES, len(NODES)), order.sample(EDGES, len(EDGES)))
