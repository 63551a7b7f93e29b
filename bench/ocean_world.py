"""What the talk about fields stands on: a field, a Geoformer that reads it, questions about it, and a base.

Each piece lies in a folder whose name says how it was made, is made where it is not there yet, and appears whole or not
at all: several processes may share one folder.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zipfile import ZipFile

from bench.bases import built_base
from bench.once import made_once
from shared.contracts.canonical import digest_of
from shared.contracts.parameters import parse_parameters
from svc_ingest.sources.base import find_source
from svc_label.labelers.base import StoredDataset
from svc_label.labelers.ocean_questions import LABELER
from svc_label.labelers.ocean_questions.parameters import OceanQuestionsParameters
from svc_train.recipes.base import BaseSource, DatasetSource, ParentSource, TrainingJob, find_recipe

Options = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class OceanWorld:
    """All that is made before the talkers are.

    Args:
        folder: where the pieces lie.
        files: NetCDF files of which the source `field` makes one field; looked into only when it is made.
        reading, forecasting, asking: parameters of the source, hyperparameters of `geoformer`, parameters of
            `ocean-questions`.
        base: a built-in base.
    """

    folder: Path
    files: tuple[Path, ...]
    reading: Options
    forecasting: Options
    asking: Options
    base: str

    def field(self) -> Path:
        """The files as `field/v1`."""
        return self._once("field", self._field_recipe(), self._read)

    def geoformer(self) -> ParentSource:
        """A Geoformer that learnt from the field."""
        folder = self._once("geoformer", [self._field_recipe(), dict(self.forecasting)], self._learn)
        return ParentSource(name="forecaster@1", run_id="forecaster", folder=folder)

    def questions(self) -> DatasetSource:
        """What `ocean-questions` asks about the field, as `chat/v1`."""
        recipe = [self._field_recipe(), dict(self.asking)]
        return DatasetSource(name="questions", digest=digest_of(recipe), folder=self._once("chat", recipe, self._ask))

    def language(self) -> BaseSource:
        """The base."""
        return built_base(self.base, self.folder)

    def prepare(self) -> None:
        """Make every piece."""
        self.field()
        self.geoformer()
        self.questions()
        self.language()

    def _field_recipe(self) -> list[Any]:
        return [[file.name for file in self.files], dict(self.reading)]

    def _once(self, name: str, recipe: Any, make: Callable[[Path], object]) -> Path:
        return made_once(self.folder / f"{name}-{digest_of(recipe)[:12]}", make)

    def _read(self, target: Path) -> None:
        source: Any = find_source("field")
        with tempfile.TemporaryDirectory() as scratch:
            given = self.files[0] if len(self.files) == 1 else _zipped(self.files, Path(scratch))
            source.make(given, parse_parameters(source.parameters, self.reading), target, lambda: False)
        shutil.rmtree(target / "parts", ignore_errors=True)

    def _learn(self, target: Path) -> None:
        field = DatasetSource(name="field", digest=digest_of(self._field_recipe()), folder=self.field())
        job = TrainingJob(hyperparameters=self.forecasting, base=None, training_set=field, series=(), bundle_dir=target)
        find_recipe("geoformer").train(job, lambda _: None)

    def _ask(self, target: Path) -> None:
        digest = digest_of(self._field_recipe())
        dataset = StoredDataset(name="ocean", digest=digest, kind="field/v1", folder=self.field(), meta={})
        LABELER.make(dataset, parse_parameters(OceanQuestionsParameters, self.asking), target, lambda: False)


def _zipped(files: tuple[Path, ...], folder: Path) -> Path:
    target = folder / "fields.nc.zip"
    with ZipFile(target, "w") as archive:
        for file in files:
            archive.write(file, file.name)
    return target
