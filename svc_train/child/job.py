"""What the parent asks for: `job.json` in the job's folder."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from shared.errors import InvalidInputError
from svc_train.recipes.base import BaseSource, DatasetSource, ParentSource, SeriesSource, TrainingJob

JOB_FILE = "job.json"
RESULT_FILE = "result.json"
BUNDLE_FOLDER = "bundle"


@dataclass(frozen=True, slots=True, kw_only=True)
class ChildJob:
    """One attempt of a run, and where its results go."""

    run_id: str
    attempt: int
    recipe: str
    training: TrainingJob
    output_dir: Path


def read_job(folder: Path) -> ChildJob:
    """Read the job; InvalidInputError when it is absent or not what the parent writes."""
    try:
        body = json.loads((folder / JOB_FILE).read_bytes())
        output = Path(body["output_dir"])
        return ChildJob(
            run_id=body["run_id"],
            attempt=int(body["attempt"]),
            recipe=body["recipe"],
            training=_training(body, output / BUNDLE_FOLDER),
            output_dir=output,
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InvalidInputError.of("job", f"{JOB_FILE} cannot be read: {error!r}") from error


def _training(body: Mapping[str, Any], bundle_dir: Path) -> TrainingJob:
    training_set = body["training_set"]
    return TrainingJob(
        hyperparameters=body["hyperparameters"],
        base=_base(body.get("base")),
        training_set=DatasetSource(
            name=training_set["name"],
            digest=training_set["digest"],
            folder=Path(training_set["dir"]),
            meta=training_set.get("meta") or {},
        ),
        series=tuple(
            SeriesSource(name=s["name"], digest=s["digest"], folder=Path(s["dir"]), meta=s.get("meta") or {})
            for s in body["series"]
        ),
        bundle_dir=bundle_dir,
        parent=_parent(body.get("parent")),
        checkpoints_dir=_folder(body.get("checkpoints_dir")),
        resume_from=_folder(body.get("resume_from")),
    )


def _base(body: Mapping[str, Any] | None) -> BaseSource | None:
    return BaseSource(name=body["name"], digest=body["digest"], folder=Path(body["dir"])) if body else None


def _parent(body: Mapping[str, Any] | None) -> ParentSource | None:
    return ParentSource(name=body["name"], run_id=body["run_id"], folder=Path(body["dir"])) if body else None


def _folder(path: str | None) -> Path | None:
    return Path(path) if path else None
