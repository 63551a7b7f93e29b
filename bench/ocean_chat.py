"""How much of what a language model says about fields is true, for each adapter and without the fields.

    python -m bench.ocean_chat SST.nc --base tiny-qwen --variants linear-4,hidden --seeds 0 1 2

reads the file, trains a Geoformer, asks questions, and trains one `ocean-chat` for each variant and seed: an adapter,
with a number of tokens behind a dash; `hidden` is shown zeros in place of the fields. A row of the table is one each.

With `--keep FOLDER` all of it stays there and is used again where the options that made it are the same; processes may
share the folder. `--prepare-only` stops before the first talker; who trains them elsewhere needs the folder alone:

    python -m bench.ocean_chat SST.nc --keep FOLDER --prepare-only
    python -m bench.ocean_chat SST.nc --keep FOLDER --variants linear-4 --precision bfloat16
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bench.measure import settings
from bench.ocean_world import OceanWorld
from shared.contracts.canonical import digest_of
from svc_train.recipes.base import Progress, TrainingJob, find_recipe

GEOFORMER = {"residual": "none", "history": 12, "horizon": 6, "d_model": 64, "dropout": 0.0, "limit_eval": 12}
COLUMNS = (
    "eval_loss", "number_accuracy", "trend_accuracy", "number_accuracy_blind", "trend_accuracy_blind", "answer_numbers"
)  # fmt: skip
HIDDEN, RESAMPLER = "hidden", "resampler"


def main() -> None:
    """Run it all and print the table."""
    asked = _arguments()
    with tempfile.TemporaryDirectory() as scratch:
        world = _world(asked, Path(asked.keep or scratch))
        world.prepare()
        if asked.prepare_only:
            return
        print(f"| {asked.base} | seed | s | {' | '.join(COLUMNS)} |\n|{'---|' * (len(COLUMNS) + 3)}", flush=True)
        for variant in asked.variants.split(","):
            for seed in asked.seeds:
                told = _talk(world, variant, seed, _hyperparameters(asked, variant, seed))
                numbers = " | ".join(f"{told[name]:.3g}" if name in told else "" for name in COLUMNS)
                print(f"| {variant} | {seed} | {told['seconds']:.0f} | {numbers} |", flush=True)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="bench.ocean_chat", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("fields", type=Path, help="NetCDF file, read by the source field")
    parser.add_argument("--winds", type=Path, help="NetCDF file of winds, read together with the fields")
    parser.add_argument("--base", default="tiny-qwen")
    parser.add_argument("--variants", default="linear,mlp,resampler,hidden")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--samples", type=int, default=500)
    parser.add_argument("--steps", type=int, default=400)
    parser.add_argument("--rate", type=float, default=2e-3)
    parser.add_argument("--precision", default="float32", choices=("float32", "bfloat16"))
    parser.add_argument("--answers", type=int, default=60, help="held-out questions; they are answered one by one")
    parser.add_argument("--geoformer-steps", type=int, default=100)
    parser.add_argument("--languages", default="en,zh")
    parser.add_argument("--tasks", default="diagnosis,forecast")
    parser.add_argument("--questions", default="", help="kinds of questions; empty asks all")
    parser.add_argument("--history", default="6,24", help="shortest and longest number of months that are shown")
    parser.add_argument("--future", default="3,20", help="the same of those that follow")
    parser.add_argument("--resolution", type=float, default=2.0, help="degrees of the grid")
    parser.add_argument("--land-below", type=float, default=15.0, help="degrees C; see the source field")
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument(
        "--set", action="append", default=[], metavar="NAME=JSON", help="another hyperparameter, again for more"
    )
    parser.add_argument("--keep", default="", help="a folder to leave everything in, and to go on from")
    parser.add_argument("--prepare-only", action="store_true", help="stop before the first talker; needs --keep")
    asked = parser.parse_args()
    if asked.prepare_only and not asked.keep:
        parser.error("--prepare-only needs --keep FOLDER: nothing would be left")
    return asked


def _world(asked: argparse.Namespace, folder: Path) -> OceanWorld:
    return OceanWorld(
        folder=folder,
        files=(asked.fields, asked.winds) if asked.winds else (asked.fields,),
        reading={"resolution": asked.resolution, "land_below": asked.land_below},
        forecasting={**GEOFORMER, "max_steps": asked.geoformer_steps},
        asking={
            "samples": asked.samples, "languages": asked.languages.split(","), "tasks": asked.tasks.split(","),
            "history": _span(asked.history), "future": _span(asked.future),
            **({"questions": asked.questions.split(",")} if asked.questions else {}),
        },
        base=asked.base,
    )  # fmt: skip


def _span(text: str) -> list[int]:
    return [int(one) for one in text.split(",")]


def _hyperparameters(asked: argparse.Namespace, variant: str, seed: int) -> dict[str, Any]:
    kind, _, tokens = variant.partition("-")
    adapter = "linear" if kind == HIDDEN else kind
    return {
        "adapter": adapter, "fields": "hidden" if kind == HIDDEN else "read", "seed": seed, "max_steps": asked.steps,
        "num_epochs": 0, "learning_rate": asked.rate, "batch_size": asked.batch, "precision": asked.precision,
        "answers": asked.answers, "tokens": int(tokens or (16 if adapter == RESAMPLER else 2)),
        **settings(asked.set),
    }  # fmt: skip


def _talk(world: OceanWorld, variant: str, seed: int, given: Mapping[str, Any]) -> dict[str, float]:
    """Train one; its metrics and seconds, which also lie as `metrics.json` beside its bundle."""
    questions, parent, base = world.questions(), world.geoformer(), world.language()
    made_of = [questions.folder.name, parent.folder.name, base.name, dict(given)]
    folder = world.folder / "runs" / f"{variant}-{seed}-{digest_of(made_of)[:12]}"
    job = TrainingJob(
        hyperparameters=given, base=base, training_set=questions, series=(), bundle_dir=folder / "bundle", parent=parent
    )
    begun = time.monotonic()
    metrics = {**find_recipe("ocean-chat").train(job, _tell).metrics, "seconds": time.monotonic() - begun}
    told = {"base": base.name, "variant": variant, "questions": dict(world.asking), "hyperparameters": dict(given)}
    (folder / "metrics.json").write_text(json.dumps({**told, "metrics": metrics}, indent=1), encoding="utf-8")
    return metrics


def _tell(told: Any) -> None:
    if isinstance(told, Progress) and told.step % 10 == 0:
        print(f"<!-- {told.step} {told.loss:.3f} {told.elapsed_s:.0f} s -->", flush=True)


if __name__ == "__main__":
    main()
