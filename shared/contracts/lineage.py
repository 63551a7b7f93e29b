"""Keys of lineage nodes. They hold no version number, so any order of events gives the same graph."""

from __future__ import annotations

from enum import StrEnum

from shared.errors import InvalidInputError

# Stands where a digest would: what is known by its name alone.
EXTERNAL = "external"


class NodeType(StrEnum):
    """What a node of the lineage graph stands for."""

    SOURCE = "source"
    DATASET = "dataset"
    REVIEWS = "reviews"
    BASE = "base"
    RUN = "run"
    MODEL = "model"
    PREDICTION = "prediction"


def source_key(uri: str) -> str:
    """Where raw data came from, e.g. `source/file:pump.csv`."""
    return f"{NodeType.SOURCE}/{uri}"


def dataset_key(name: str, manifest_digest: str) -> str:
    """A dataset version; the registry shows it as `name@version`.

    Without a digest it is an external dataset: one that an imported file names and no catalogue of ours holds.
    """
    return f"{NodeType.DATASET}/{name}/{manifest_digest or EXTERNAL}"


def reviews_key(digest: str) -> str:
    """The set of reviews that went into an export."""
    return f"{NodeType.REVIEWS}/{digest}"


def base_key(digest: str) -> str:
    """A base model, by the digest of its manifest."""
    return f"{NodeType.BASE}/{digest}"


def external_base_key(name: str) -> str:
    """A base that an imported file names and no catalogue of ours holds."""
    return f"{NodeType.BASE}/{EXTERNAL}/{name}"


def run_key(run_id: str) -> str:
    """A training run."""
    return f"{NodeType.RUN}/{run_id}"


def model_key(run_id: str) -> str:
    """The model version a run made."""
    return f"{NodeType.MODEL}/{run_id}"


def prediction_key(job_id: str) -> str:
    """The results of a prediction job."""
    return f"{NodeType.PREDICTION}/{job_id}"


def node_type(key: str) -> NodeType:
    """The type a key speaks of; InvalidInputError when it is none of ours."""
    prefix = key.partition("/")[0]
    try:
        return NodeType(prefix)
    except ValueError:
        allowed = ", ".join(NodeType)
        raise InvalidInputError.of("node", f"{key!r} does not start with one of: {allowed}") from None
