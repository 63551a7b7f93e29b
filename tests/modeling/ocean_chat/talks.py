"""A Geoformer, questions and training jobs on the small Pacific."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from shared.contracts.parameters import parse_parameters
from svc_label.labelers.base import StoredDataset
from svc_label.labelers.ocean_questions import LABELER
from svc_label.labelers.ocean_questions.parameters import OceanQuestionsParameters
from svc_train.recipes.base import BaseSource, DatasetSource, ParentSource, TrainingJob, find_recipe
from tests.modeling.samples import BASE_DIGEST
from tests.support.oceans import ocean_field

GEOFORMER = {
    "history": 6, "horizon": 4, "patch_rows": 3, "patch_columns": 4, "d_model": 16, "heads": 2, "batch_size": 8,
    "max_steps": 2, "warmup_steps": 1, "lim_modes": 3, "lim_folds": 2, "residual": "none",
}  # fmt: skip
SMALL = {
    "max_steps": 6, "num_epochs": 0, "batch_size": 4, "warmup_steps": 2, "precision": "float32", "max_length": 256,
    "lora_rank": 4, "lora_alpha": 8, "answers": 1,
}  # fmt: skip


def trained_geoformer(folder: Path) -> ParentSource:
    """Hardly trained, for it only has to read."""
    ocean_field(folder / "field")
    job = TrainingJob(
        hyperparameters=GEOFORMER,
        base=None,
        training_set=DatasetSource(name="pacific", digest="f" * 64, folder=folder / "field"),
        series=(),
        bundle_dir=folder / "geoformer",
    )
    find_recipe("geoformer").train(job, lambda _: None)
    return ParentSource(name="pacific-forecaster@1", run_id="run-1", folder=job.bundle_dir)


def questions(folder: Path, field: Path, **asked: Any) -> Path:
    """A `chat/v1` with features about the field."""
    folder.mkdir(parents=True)
    parameters = parse_parameters(
        OceanQuestionsParameters, {"samples": 24, "history": [3, 8], "future": [2, 4], "languages": ["en"], **asked}
    )
    dataset = StoredDataset(name="pacific", digest="f" * 64, kind="field/v1", folder=field, meta={})
    LABELER.make(dataset, parameters, folder, lambda: False)
    return folder


def talk_job(folder: Path, *, base: Path, asked: Path, parent: ParentSource | None, **changes: Any) -> TrainingJob:
    """A job over the questions."""
    return TrainingJob(
        hyperparameters={**SMALL, **changes},
        base=BaseSource(name="tiny-qwen", digest=BASE_DIGEST, folder=base),
        training_set=DatasetSource(name="questions", digest="e" * 64, folder=asked),
        series=(),
        bundle_dir=folder / "bundle",
        parent=parent,
    )
