"""How much of what a language model says about fields is true, for each adapter and without the fields.

`python -m bench.ocean_chat FIELDS.nc --base tiny-qwen` reads the file, trains a small Geoformer, asks questions, and
trains one `ocean-chat` for each adapter, then one that is shown zeros in place of the fields. It prints a table.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path
from typing import Any

from shared.contracts.parameters import parse_parameters
from shared.modeling.bases import build_base
from svc_ingest.sources.base import find_source
from svc_label.labelers.base import StoredDataset
from svc_label.labelers.ocean_questions import LABELER
from svc_label.labelers.ocean_questions.parameters import OceanQuestionsParameters
from svc_train.recipes.base import BaseSource, DatasetSource, ParentSource, Progress, TrainingJob, find_recipe

DIGEST = "0" * 64
GEOFORMER = {"residual": "none", "history": 12, "horizon": 6, "d_model": 64, "dropout": 0.0, "limit_eval": 12}
COLUMNS = (
    "eval_loss", "number_accuracy", "trend_accuracy", "number_accuracy_blind", "trend_accuracy_blind", "answer_numbers"
)  # fmt: skip


def main() -> None:
    """Run it all and print the table."""
    asked = _arguments()
    with tempfile.TemporaryDirectory() as folder:
        work = Path(asked.keep or folder)
        field, parent = _field(asked, work / "field"), _geoformer(asked, work)
        chat = _questions(asked, field, work / "chat")
        base = _base(asked.base, work / asked.base)
        print(f"| {asked.base} | s | {' | '.join(COLUMNS)} |\n|{'---|' * (len(COLUMNS) + 2)}")
        for variant in asked.variants.split(","):
            metrics, seconds = _talk(asked, variant, chat, parent, base, work / variant)
            numbers = " | ".join(f"{metrics[name]:.3g}" if name in metrics else "" for name in COLUMNS)
            print(f"| {variant} | {seconds:.0f} | {numbers} |", flush=True)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench.ocean_chat", description=__doc__)
    parser.add_argument("fields", type=Path, help="NetCDF file, read by the source field")
    parser.add_argument("--base", default="tiny-qwen")
    parser.add_argument("--variants", default="linear,mlp,resampler,hidden")
    parser.add_argument("--samples", type=int, default=500)
    parser.add_argument("--steps", type=int, default=400)
    parser.add_argument("--rate", type=float, default=2e-3)
    parser.add_argument("--answers", type=int, default=60)
    parser.add_argument("--geoformer-steps", type=int, default=100)
    parser.add_argument("--languages", default="en,zh")
    parser.add_argument("--tasks", default="diagnosis,forecast")
    parser.add_argument("--questions", default="", help="kinds of questions; empty asks all")
    parser.add_argument("--history", default="6,24", help="shortest and longest number of months that are shown")
    parser.add_argument("--future", default="3,20", help="the same of those that follow")
    parser.add_argument("--resolution", type=float, default=2.0, help="degrees of the grid")
    parser.add_argument("--land-below", type=float, default=15.0, help="degrees C; see the source field")
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--set", action="append", default=[], help="name=value: another hyperparameter, again for more")
    parser.add_argument("--keep", default="", help="a folder to leave everything in, and to go on from")
    return parser.parse_args()


def _field(asked: argparse.Namespace, folder: Path) -> Path:
    if not folder.is_dir():
        folder.mkdir(parents=True)
        source: Any = find_source("field")
        given = {"resolution": asked.resolution, "land_below": asked.land_below}
        source.make(asked.fields, parse_parameters(source.parameters, given), folder, lambda: False)
    return folder


def _geoformer(asked: argparse.Namespace, work: Path) -> ParentSource:
    folder = work / "geoformer"
    if not folder.is_dir():
        job = _job(folder, work / "field", {**GEOFORMER, "max_steps": asked.geoformer_steps})
        find_recipe("geoformer").train(job, lambda _: None)
    return ParentSource(name="forecaster@1", run_id="forecaster", folder=folder)


def _questions(asked: argparse.Namespace, field: Path, folder: Path) -> Path:
    if not folder.is_dir():
        folder.mkdir()
        given = {
            "samples": asked.samples, "languages": asked.languages.split(","), "tasks": asked.tasks.split(","),
            "history": _span(asked.history), "future": _span(asked.future),
            **({"questions": asked.questions.split(",")} if asked.questions else {}),
        }  # fmt: skip
        dataset = StoredDataset(name="ocean", digest=DIGEST, kind="field/v1", folder=field, meta={})
        LABELER.make(dataset, parse_parameters(OceanQuestionsParameters, given), folder, lambda: False)
    return folder


def _span(text: str) -> list[int]:
    return [int(one) for one in text.split(",")]


def _base(name: str, folder: Path) -> BaseSource:
    if not folder.is_dir():
        build_base(name, folder)
    return BaseSource(name=name, digest=DIGEST, folder=folder)


def _talk(  # noqa: PLR0917 - a table's row needs all of them
    asked: argparse.Namespace, variant: str, chat: Path, parent: ParentSource, base: BaseSource, folder: Path
) -> tuple[dict[str, float], float]:
    hidden = variant == "hidden"
    adapter, _, tokens = ("linear" if hidden else variant).partition("-")
    given = {
        "adapter": adapter, "fields": "hidden" if hidden else "read", "max_steps": asked.steps, "num_epochs": 0,
        "learning_rate": asked.rate, "batch_size": asked.batch, "precision": "float32", "answers": asked.answers,
        "tokens": int(tokens or (16 if adapter == "resampler" else 2)), **_others(asked.set),
    }  # fmt: skip
    begun = time.monotonic()
    result = find_recipe("ocean-chat").train(_job(folder, chat, given, base=base, parent=parent), _tell)
    return dict(result.metrics), time.monotonic() - begun


def _others(settings: list[str]) -> dict[str, Any]:
    pairs = (one.partition("=") for one in settings)
    return {name: float(value) if value.replace(".", "").isdigit() else value for name, _, value in pairs}


def _job(
    folder: Path,
    training_set: Path,
    hyperparameters: dict[str, Any],
    *,
    base: BaseSource | None = None,
    parent: ParentSource | None = None,
) -> TrainingJob:
    return TrainingJob(
        hyperparameters=hyperparameters,
        base=base,
        training_set=DatasetSource(name=training_set.name, digest=DIGEST, folder=training_set),
        series=(),
        bundle_dir=folder,
        parent=parent,
    )


def _tell(told: Any) -> None:
    if isinstance(told, Progress) and told.step % 10 == 0:
        print(f"<!-- {told.step} {told.loss:.3f} {told.elapsed_s:.0f} s -->", flush=True)


if __name__ == "__main__":
    main()
