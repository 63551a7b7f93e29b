"""What the training process is told and what it says: `job.json`, its events, `result.json`."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from shared.contracts.versions import BaseVersion, DatasetVersion, ModelRef
from shared.errors import IntegrityError
from svc_train.domain.checkpoints import Monitor, ReportedCheckpoint
from svc_train.domain.run import Progress, StepNumbers

JOB_FILE = "job.json"
RESULT_FILE = "result.json"
BUNDLE_FOLDER = "bundle"
# Longer estimates say nothing, and a duration on the wire has an end.
LONGEST_ETA_S = 10.0 * 365 * 86400


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesOnDisk:
    """A series the training set speaks of, and where its files lie."""

    name: str
    digest: str
    folder: Path
    meta: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """All that one attempt is made from; folders are absolute.

    `base` has no digest and `base_folder` is None where the recipe takes no base. `parent` is the version to go on
    from, None where there is none; `resume_folder` holds the checkpoint of an earlier attempt, None begins at the
    first step.
    """

    run_id: str
    attempt: int
    recipe: str
    hyperparameters: Mapping[str, Any]
    base: BaseVersion
    base_folder: Path | None
    dataset: DatasetVersion
    dataset_folder: Path
    dataset_meta: Mapping[str, Any]
    series: tuple[SeriesOnDisk, ...]
    output_folder: Path
    parent: ModelRef | None = None
    parent_folder: Path | None = None
    checkpoints_folder: Path | None = None
    resume_folder: Path | None = None

    def to_json(self) -> dict[str, Any]:
        """The content of `job.json`."""
        return {
            "run_id": self.run_id,
            "attempt": self.attempt,
            "recipe": self.recipe,
            "hyperparameters": dict(self.hyperparameters),
            "base": _located(self.base.name, self.base.digest, self.base_folder) if self.base_folder else None,
            "training_set": {
                **_located(self.dataset.name, self.dataset.digest, self.dataset_folder),
                "meta": dict(self.dataset_meta),
            },
            "series": [{**_located(one.name, one.digest, one.folder), "meta": dict(one.meta)} for one in self.series],
            "output_dir": str(self.output_folder),
            "parent": self._parent(),
            "checkpoints_dir": str(self.checkpoints_folder or ""),
            "resume_from": str(self.resume_folder or ""),
        }

    def _parent(self) -> dict[str, str] | None:
        if self.parent is None:
            return None
        return {"name": str(self.parent), "run_id": self.parent.run_id, "dir": str(self.parent_folder)}


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportedFailure:
    """The process says why it failed.

    `smaller` says that a smaller micro-batch may end well; `errors` are the exception and those it came from, one line
    each, outermost first.
    """

    permanent: bool
    cause: str
    remedy: str
    detail: str
    smaller: bool = False
    errors: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ReportedEnd:
    """The process says that its bundle is whole."""


Report = Progress | ReportedCheckpoint | ReportedFailure | ReportedEnd


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What `result.json` says of a training that ended well. Sizes are in bytes, times in seconds.

    `facts` say what it ran on, by name; `devices` counts the GPUs, or is 1 where the processor did the work.
    """

    family: str
    metrics: Mapping[str, float]
    total_steps: int
    tokens: int
    device: str
    versions: Mapping[str, str] = field(default_factory=dict)
    peak_rss_bytes: int = 0
    wall_seconds: float = 0.0
    epochs: float = 0.0
    facts: Mapping[str, str] = field(default_factory=dict)
    devices: int = 1
    peak_device_bytes: int = 0

    @property
    def device_seconds(self) -> float:
        """The time of all devices together."""
        return self.wall_seconds * self.devices


def read_report(line: str) -> Report | None:
    """An event of the process; None for a line that is none (a library that prints, say)."""
    try:
        body = json.loads(line)
        kind = body["event"]
        if kind == "progress":
            return _progress(body)
        if kind == "checkpoint":
            return _checkpoint(body)
        if kind == "failed":
            return ReportedFailure(
                permanent=bool(body["permanent"]),
                cause=str(body["cause"]),
                remedy=str(body.get("remedy") or ""),
                detail=str(body.get("detail") or body["cause"]),
                smaller=bool(body.get("smaller")),
                errors=tuple(f"{one['classes'][0]}: {one['message']}" for one in body.get("errors") or ()),
            )
    except (LookupError, TypeError, ValueError, AttributeError):
        return None
    return ReportedEnd() if kind == "completed" else None


def parse_result(data: bytes) -> Result:
    """Read `result.json`; IntegrityError when it is not what it should be."""
    try:
        body = json.loads(data)
        return Result(
            family=str(body["family"]),
            metrics=_numbers(body["metrics"]),
            total_steps=int(body["total_steps"]),
            tokens=int(body["tokens"]),
            device=str(body["device"]),
            versions={str(name): str(version) for name, version in body.get("versions", {}).items()},
            peak_rss_bytes=int(body.get("peak_rss_bytes") or 0),
            wall_seconds=float(body.get("wall_seconds") or 0.0),
            epochs=float(body.get("epochs") or 0.0),
            facts={str(name): str(fact) for name, fact in body.get("facts", {}).items()},
            devices=max(int(body.get("devices") or 1), 1),
            peak_device_bytes=int(body.get("peak_device_bytes") or 0),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise IntegrityError(f"The training process left a {RESULT_FILE} that is not readable: {error!r}") from error


def _progress(body: Mapping[str, Any]) -> Progress:
    eta = float(body.get("eta_s") or 0.0)
    return Progress(
        step=int(body["step"]),
        total_steps=int(body["total_steps"]),
        loss=float(body["loss"]),
        learning_rate=float(body.get("learning_rate") or 0.0),
        tokens_per_s=float(body.get("tokens_per_s") or 0.0),
        eta_s=min(max(eta, 0.0), LONGEST_ETA_S) if math.isfinite(eta) else 0.0,
        metrics=_numbers(body.get("metrics") or {}),
        steps=_steps(body.get("steps") or {}),
    )


def _steps(columns: Mapping[str, Any]) -> tuple[StepNumbers, ...]:
    """The steps since the last report: a list for each name, and `step` says which steps they are of."""
    names = [name for name in columns if name != "step"]
    return tuple(
        StepNumbers(
            step=int(step),
            numbers=_numbers({name: columns[name][row] for name in names if columns[name][row] is not None}),
        )
        for row, step in enumerate(columns.get("step", ()))
    )


def _checkpoint(body: Mapping[str, Any]) -> ReportedCheckpoint:
    monitor = body.get("monitor")
    return ReportedCheckpoint(
        step=int(body["step"]),
        metrics=_numbers(body.get("metrics") or {}),
        # A number that is none cannot be the best one.
        monitor=_monitor(monitor) if monitor and math.isfinite(float(monitor["value"])) else None,
    )


def _monitor(body: Mapping[str, Any]) -> Monitor:
    return Monitor(
        name=str(body["name"]), value=float(body["value"]), larger_is_better=bool(body.get("larger_is_better", True))
    )


def _numbers(metrics: Mapping[str, Any]) -> dict[str, float]:
    """Finite numbers only: neither JSON in a database nor a manifest can hold the others."""
    numbers = {str(name): float(value) for name, value in metrics.items()}
    return {name: value for name, value in numbers.items() if math.isfinite(value)}


def _located(name: str, digest: str, folder: Path) -> dict[str, str]:
    return {"name": name, "digest": digest, "dir": str(folder)}
