"""A small profile, plans for it, and jobs of both recipes over them."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import product
from pathlib import Path
from shutil import copytree
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import torch
from torch import nn

from shared.modeling.bundle import INFO_FILE
from shared.planning.plans import PLANS_FILE
from shared.planning.profile import Profile, Tool, write_profile
from svc_label.labelers.base import StoredDataset
from svc_label.labelers.plan_oracle import LABELER, PlanParameters
from svc_train.recipes.base import BaseSource, DatasetSource, ParentSource, Recipe, TrainingJob
from svc_train.recipes.hyperparameters import resolved
from tests.modeling.samples import BASE_DIGEST

WINDOW = 8


def small_profile(*, slower: float = 1.0) -> Profile:
    """Two tools, each on a grid of 2 x 2 x 2: more cores and more memory are faster, and no GPU."""
    rows = [
        (tool, [size, cores, memory, 0.0, 0.0, slower * (1 + tool) * size * 100 / cores + 10 / memory])
        for tool, size, cores, memory in product((0, 1), (1.0, 4.0), (2.0, 8.0), (4.0, 16.0))
    ]
    return Profile(
        tools=(Tool(name="压缩", description="Makes files small."), Tool(name="sort", description="Orders rows.")),
        tool_ids=np.array([tool for tool, _ in rows], dtype=np.int32),
        numbers=np.array([numbers for _, numbers in rows]),
    )


def profile_source(folder: Path, profile: Profile) -> DatasetSource:
    """The files of a `profile/v1` version."""
    folder.mkdir(parents=True, exist_ok=True)
    write_profile(profile, folder)
    return DatasetSource(name="small", digest="a" * 64, folder=folder)


def plans_source(folder: Path, profile: Profile, *, samples: int = 60, language: str = "both") -> DatasetSource:
    """What `plan-oracle` makes of a profile."""
    source = profile_source(folder / "profile", profile)
    made = folder / "plans"
    made.mkdir()
    stored = StoredDataset(name="small", digest="a" * 64, kind="profile/v1", folder=source.folder, meta={})
    parameters = PlanParameters(samples=samples, window=WINDOW, test_share=0.2, language=language)
    meta = LABELER.make(stored, parameters, made, lambda: False).meta
    return DatasetSource(name="small-plans", digest="c" * 64, folder=made, meta=meta)


def change(source: DatasetSource, number: int, **values: Any) -> None:
    """Change a row of the plans."""
    table = pq.read_table(source.folder / PLANS_FILE)
    rows = table.to_pylist()
    rows[number] |= values
    pq.write_table(type(table).from_pylist(rows, schema=table.schema), source.folder / PLANS_FILE)


def job(
    folder: Path, base: Path, source: DatasetSource, config: Any, *, parent: ParentSource | None = None, **changes: Any
) -> TrainingJob:
    """A job over it whose bundle goes into the folder."""
    return TrainingJob(
        hyperparameters={**resolved(config), **changes},
        base=BaseSource(name="tiny-qwen", digest=BASE_DIGEST, folder=base),
        training_set=source,
        series=(),
        bundle_dir=folder / "bundle",
        checkpoints_dir=folder / "checkpoints",
        parent=parent,
    )


def trained(recipe: Recipe, given: TrainingJob, name: str = "memory@1") -> ParentSource:
    """Train, and what it made as a parent."""
    recipe.train(given, lambda _: None)
    return ParentSource(name=name, run_id=f"run-of-{name}", folder=given.bundle_dir)


def of_earlier_release(parent: ParentSource, folder: Path) -> ParentSource:
    """The parent as it was before a token opened what the language model reads."""
    copytree(parent.folder, folder)
    info = json.loads((folder / INFO_FILE).read_bytes())
    del info["spec"]["opening"]
    (folder / INFO_FILE).write_text(json.dumps(info), encoding="utf-8")
    return replace(parent, folder=folder)


def seen_by(decoder: nn.Module) -> list[torch.Tensor]:
    """The embeddings that the decoder is given from now on, call by call."""
    seen: list[torch.Tensor] = []
    decoder.register_forward_pre_hook(lambda _, __, given: seen.append(given["inputs_embeds"]), with_kwargs=True)
    return seen
