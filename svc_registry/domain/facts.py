"""What the catalogue knows of a lineage node, as JSON values by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from svc_registry.domain.records import BaseRecord, DatasetRecord, ModelRecord

# Of a dataset's own facts, what a graph is the place for; `GetDataset` tells all.
DATASET_META = ("rows", "channels", "segment_count", "sample_count", "labelers")
BASE_META = ("model_type", "hidden_size", "num_hidden_layers", "vocab_size")


def dataset_facts(record: DatasetRecord) -> dict[str, Any]:
    """Of a dataset version."""
    return {
        "name": record.name,
        "version": record.version,
        "kind": record.kind,
        "digest": record.digest,
        "size_bytes": record.size_bytes,
        "producer": record.producer,
        **{name: record.meta[name] for name in DATASET_META if name in record.meta},
    }


def base_facts(record: BaseRecord) -> dict[str, Any]:
    """Of a base."""
    meta = {name: record.meta[name] for name in BASE_META if name in record.meta}
    return {"name": record.name, "digest": record.digest, "size_bytes": record.size_bytes, **meta}


def model_facts(record: ModelRecord) -> dict[str, Any]:
    """Of a model version."""
    made = record.made
    return {
        "name": made.name,
        "version": record.version,
        "run_id": made.run_id,
        "bundle_digest": made.bundle_digest,
        "aliases": list(record.aliases),
        "metrics": dict(made.metrics),
    }


def run_facts(record: ModelRecord) -> dict[str, Any]:
    """Of the run that made a model version; what is not known is left out."""
    made = record.made
    facts: dict[str, Any] = {
        "run_id": made.run_id,
        "recipe": made.recipe,
        "model": f"{made.name}@{record.version}",
        "dataset": str(made.dataset),
        "base": {"name": made.base.name, "digest": made.base.digest} if made.base.digest else None,
        "parent": str(made.parent) if made.parent else None,
        "stage": made.stage,
        "metrics": dict(made.metrics),
        "hyperparameters": dict(made.hyperparameters),
        "total_steps": made.total_steps,
        "epochs": made.epochs,
        "tokens": made.tokens,
        "started_at": made.started_at.isoformat() if made.started_at else None,
        "finished_at": made.finished_at.isoformat() if made.finished_at else None,
        "environment": dict(made.environment),
    }
    return {name: value for name, value in facts.items() if value}


def reviews_facts(reviewers: Mapping[str, int]) -> dict[str, Any]:
    """Of a review set: how many candidates each reviewer approved."""
    return {"reviewers": dict(reviewers), "candidate_count": sum(reviewers.values())}
