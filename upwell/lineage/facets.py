"""OpenLineage facets: those of its own specification, and ours for training runs and reviews (`facets.json`)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

PRODUCER = "urn:upwell:lineage"
STANDARD = "https://openlineage.io/spec/facets/{version}/{name}.json#/$defs/{name}"
OURS = "urn:upwell:openlineage-facets:1-0-0#/$defs/{name}"
Facts = Mapping[str, Any]
# Facts of a run that the facet calls by the same name.
SAME_NAME = ("recipe", "model", "dataset", "base", "parent", "stage", "hyperparameters", "metrics", "epochs")


def job_type(kind: str) -> dict[str, Any]:
    """What sort of job it was, e.g. `TRAINING`."""
    return _standard("JobTypeJobFacet", "2-0-4", processingType="BATCH", integration="UPWELL", jobType=kind)


def nominal_time(facts: Facts) -> dict[str, Any] | None:
    """When a run began and ended; None where the beginning is not known."""
    if "started_at" not in facts:
        return None
    times = {"nominalStartTime": facts["started_at"]}
    if "finished_at" in facts:
        times["nominalEndTime"] = facts["finished_at"]
    return _standard("NominalTimeRunFacet", "1-0-1", **times)


def training_run(facts: Facts) -> dict[str, Any] | None:
    """How a run trained; None where the registry knows nothing of it."""
    if "recipe" not in facts:
        return None
    known = {name: facts[name] for name in SAME_NAME if name in facts}
    # Numbers have come through a protobuf Struct, which knows doubles alone.
    counts = {
        name: int(facts[fact]) for name, fact in (("totalSteps", "total_steps"), ("tokens", "tokens")) if fact in facts
    }
    environment = {"environment": facts["environment"]} if "environment" in facts else {}
    return _ours("TrainingRunFacet", **known, **counts, **environment)


def dataset_version(facts: Facts, digest: str) -> dict[str, Any] | None:
    """The number that the registry gave, else the digest; None where neither is known."""
    version = str(int(facts["version"])) if "version" in facts else digest
    return _standard("DatasetVersionDatasetFacet", "1-0-1", datasetVersion=version) if version else None


def data_source(name: str, uri: str) -> dict[str, Any]:
    """What holds the data."""
    return _standard("DatasourceDatasetFacet", "1-0-1", name=name, uri=uri)


def dataset_type(kind: str, detail: str) -> dict[str, Any]:
    """`MODEL` or `FILE`, and the kind of dataset where it is one."""
    more = {"subType": detail} if detail else {}
    return _standard("DatasetTypeDatasetFacet", "1-0-1", datasetType=kind, **more)


def schema(facts: Facts) -> dict[str, Any] | None:
    """The channels of a series; None for what has none."""
    channels = facts.get("channels")
    if not channels:
        return None
    fields = [
        {"name": str(channel["name"]), "type": "double", "ordinal_position": position}
        for position, channel in enumerate(channels, start=1)
    ]
    return _standard("SchemaDatasetFacet", "1-2-0", fields=fields)


def reviews(facts: Facts) -> dict[str, Any] | None:
    """Who approved; None for what is no review set, or one that is not indexed."""
    if "reviewers" not in facts:
        return None
    reviewers = [{"name": name, "approvedCount": int(count)} for name, count in sorted(facts["reviewers"].items())]
    return _ours("ReviewsDatasetFacet", reviewers=reviewers, candidateCount=int(facts["candidate_count"]))


def output_statistics(facts: Facts) -> dict[str, Any] | None:
    """Rows and bytes that were written; None where neither is known."""
    rows = facts.get("rows", facts.get("segment_count"))
    known = {"rowCount": rows, "size": facts.get("size_bytes")}
    counts = {name: int(count) for name, count in known.items() if count is not None}
    return _standard("OutputStatisticsOutputDatasetFacet", "1-0-2", **counts) if counts else None


def _standard(name: str, version: str, /, **values: Any) -> dict[str, Any]:
    return {"_producer": PRODUCER, "_schemaURL": STANDARD.format(version=version, name=name), **values}


def _ours(name: str, /, **values: Any) -> dict[str, Any]:
    return {"_producer": PRODUCER, "_schemaURL": OURS.format(name=name), **values}
