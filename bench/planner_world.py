"""What the planner's benchmarks stand on: the documented grid of configurations, plans for it, and jobs over both."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bench.bases import built_base
from shared.planning.profile import Profile, Tool, write_profile
from svc_label.labelers.base import StoredDataset
from svc_label.labelers.plan_oracle import LABELER, PlanParameters
from svc_train.recipes.base import BaseSource, DatasetSource, ParentSource, TrainingJob
from upwell.profile_grid import TOOLS, grid_rows

META_FILE = "meta.json"
PROFILE, PLANS = "profile", "plans"


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """A base, the profile's dataset and plans for it, each in a folder that is made once and used again."""

    folder: Path
    base: str

    def base_source(self) -> BaseSource:
        """The built-in base."""
        return built_base(self.base, self.folder)

    def profile(self) -> DatasetSource:
        """The grid of 7 x 3^5 configurations as `profile/v1`."""
        folder = self.folder / PROFILE
        if not folder.is_dir():
            folder.mkdir(parents=True)
            write_profile(grid_profile(), folder)
        return DatasetSource(name="grid", digest="a" * 64, folder=folder)

    def plans(self, parameters: PlanParameters) -> DatasetSource:
        """What `plan-oracle` makes of it as `plans/v1`."""
        folder = self.folder / f"{PLANS}-{parameters.samples}-{parameters.language}-{parameters.seed}"
        profile = self.profile()
        if not (folder / META_FILE).is_file():
            folder.mkdir(parents=True, exist_ok=True)
            stored = StoredDataset(
                name=profile.name, digest=profile.digest, kind="profile/v1", folder=profile.folder, meta={}
            )
            made = LABELER.make(stored, parameters, folder, lambda: False)
            (folder / META_FILE).write_text(json.dumps(dict(made.meta)))
        meta = json.loads((folder / META_FILE).read_text())
        return DatasetSource(name="grid-plans", digest="c" * 64, folder=folder, meta=meta)

    def job(
        self,
        name: str,
        training_set: DatasetSource,
        hyperparameters: Mapping[str, Any],
        *,
        parent: ParentSource | None = None,
    ) -> TrainingJob:
        """A job whose bundle goes to a folder of that name."""
        return TrainingJob(
            hyperparameters=hyperparameters,
            base=self.base_source(),
            training_set=training_set,
            series=(),
            bundle_dir=self.folder / "bundles" / f"{self.base}-{name}",
            parent=parent,
        )


def grid_profile() -> Profile:
    """The grid as `upwell profile grid` writes it."""
    rows = list(grid_rows())
    places = {tool.name: tool_id for tool_id, tool in enumerate(TOOLS)}
    return Profile(
        tools=tuple(Tool(name=tool.name, description=tool.description) for tool in TOOLS),
        tool_ids=np.array([places[str(row[0])] for row in rows], dtype=np.int32),
        numbers=np.array([row[1:] for row in rows], dtype=np.float64),
    )
