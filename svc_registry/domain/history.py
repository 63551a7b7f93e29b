"""Chains of versions, and the files that tell of them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from shared.contracts.versions import DatasetVersion, ModelRef
from shared.errors import FieldViolation
from svc_registry.domain.records import ModelRecord, NewModel

FILE_NAME = "training_info.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportedVersion:
    """What is kept of a version that was imported.

    `entry` is its object in `training_history` as it was written. `checkpoint` is where its file says the weights are,
    `checkpoint_digest` the manifest under which they are stored; both may be empty.
    """

    run_id: str
    base_model: str
    entry: Mapping[str, Any]
    checkpoint: str = ""
    checkpoint_digest: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryFile:
    """An imported file: `path` in its tree, the run of its last entry, and its JSON value as it was written."""

    path: str
    run_id: str
    document: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportResult:
    """What became of a file. `wrong` is empty unless it was refused; `remarks` hinder nothing."""

    path: str
    model: ModelRef | None = None
    new_versions: int = 0
    is_new: bool = False
    is_changed: bool = False
    checkpoint_missing: bool = False
    wrong: Sequence[FieldViolation] = ()
    remarks: Sequence[FieldViolation] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelSummary:
    """All versions of a model in one line; `total_steps` is the sum of what each of them was trained."""

    model: str
    version_count: int
    newest_version: int
    total_steps: int
    imported_count: int
    last_updated: datetime
    stages: tuple[str, ...] = ()
    datasets: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Chain:
    """The versions that led to one, oldest first, that one last.

    `imported` holds what was kept of those that were imported, by run. Where the catalogue does not know the parent of
    the first, the chain begins there all the same.
    """

    records: tuple[ModelRecord, ...]
    imported: Mapping[str, ImportedVersion] = field(default_factory=dict)

    @property
    def last(self) -> ModelRecord:
        """The version whose chain this is."""
        return self.records[-1]

    @property
    def base_model(self) -> str:
        """What the first was trained from, as its file or its run names it."""
        first = self.records[0].made
        kept = self.imported.get(first.run_id)
        return kept.base_model if kept else first.base.name

    @property
    def unknown_parent(self) -> ModelRef | None:
        """The parent of the first, which the catalogue does not know; None where it began from its base."""
        return self.records[0].made.parent

    def with_total_steps(self) -> Iterator[tuple[ModelRecord, int]]:
        """Each version with the steps of the chain up to and including it."""
        total = 0
        for record in self.records:
            total += record.made.total_steps
            yield record, total

    def document(self) -> dict[str, Any]:
        """The chain in the form of `training_info.json`; imported entries stand as they were written."""
        last = self.last.made
        return {
            "model_name": last.name,
            "stage": last.stage,
            "final_checkpoint": f"upwell:{last.bundle_digest}" if last.bundle_digest else None,
            "base_model": self.base_model,
            "created_at": _text(self.records[0].made.started_at or self.records[0].registered_at),
            "last_updated": _text(last.finished_at or self.last.registered_at),
            "total_steps": sum(record.made.total_steps for record in self.records),
            "last_dataset": dataset_text(last.dataset),
            "training_history": [self._entry(record) for record in self.records],
        }

    def _entry(self, record: ModelRecord) -> Mapping[str, Any]:
        kept = self.imported.get(record.made.run_id)
        return kept.entry if kept else entry_of(record.made)


def entry_of(made: NewModel) -> dict[str, Any]:
    """A training of ours as an entry; `run_id` is by which an import knows it again."""
    return {
        "dataset": dataset_text(made.dataset),
        "steps": made.total_steps,
        "epochs": made.epochs or None,
        "metrics": dict(made.metrics),
        "hyperparams": dict(made.hyperparameters),
        "start_time": _text(made.started_at),
        "end_time": _text(made.finished_at),
        "run_id": made.run_id,
    }


def dataset_text(dataset: DatasetVersion) -> str:
    """`labels@2`; the name alone where a file named it so; `unknown` for a bundle that names none."""
    return str(dataset) if dataset.digest else dataset.name or "unknown"


def own_path(record: ModelRecord) -> str:
    """Where a version of our own is exported: `<model>/<version>_<stage>/`, for two versions may share a stage."""
    folder = f"{record.version}_{record.made.stage}" if record.made.stage else f"{record.version}"
    return f"{record.made.name}/{folder}/{FILE_NAME}"


def to_text(document: Mapping[str, Any]) -> str:
    """A document as the text of a file: names in the order in which they were written."""
    return json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def _text(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None
