"""Fakes of svc_train's ports: small, with behaviour, and with the ports' own exceptions."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from shared.contracts.versions import DatasetVersion, ModelVersion
from shared.errors import InvalidInputError, NotFoundError, UnavailableError
from svc_train.domain.bases import AvailableBase, BaseSource
from svc_train.domain.failures import StoppedAttemptError
from svc_train.domain.run import RunProgress
from svc_train.ports import Line, PreparedBase
from svc_train.recipes.hyperparameters import Rule, hyperparameter


@dataclass(frozen=True, slots=True, kw_only=True)
class FakeConfig:
    """Two hyperparameters."""

    max_steps: int = hyperparameter(10, Rule(help="Steps.", unit="steps", low=1, high=1000))
    seed: int = hyperparameter(0, Rule(help="Decides every random choice."))


@dataclass(kw_only=True)
class FakeRecipe:
    """A recipe that is asked, and never trains."""

    name: str = "fake-lm"
    summary: str = "Learns nothing."
    family: str = "fake"
    dataset_kinds: tuple[str, ...] = ("segments/v1",)
    parent_families: tuple[str, ...] = ("fake",)
    default_base: str = "tiny"
    config_type: type[Any] = FakeConfig

    def train(self, job: Any, report: Any) -> Any:
        raise AssertionError("a fake child stands in for training")


class FakeCatalogue:
    """A registry of datasets by reference."""

    def __init__(self) -> None:
        self.datasets: dict[str, DatasetVersion] = {}
        self.models: dict[str, ModelVersion] = {}
        self.is_down = False

    def dataset(self, reference: str) -> DatasetVersion:
        if self.is_down:
            raise UnavailableError("svc_registry does not answer")
        if reference not in self.datasets:
            raise NotFoundError(f"There is no dataset {reference!r}")
        return self.datasets[reference]

    def dataset_by_digest(self, name: str, digest: str) -> DatasetVersion:
        for version in self.datasets.values():
            if (version.name, version.digest) == (name, digest):
                return version
        raise NotFoundError(f"{name!r} has no version {digest[:12]}")

    def model(self, reference: str) -> ModelVersion:
        if reference not in self.models:
            raise NotFoundError(f"There is no model {reference!r}")
        return self.models[reference]

    def model_of_run(self, run_id: str) -> ModelVersion:
        for version in self.models.values():
            if version.run_id == run_id:
                return version
        raise NotFoundError(f"The run {run_id!r} made no model")

    def aliases(self) -> Mapping[tuple[str, str], ModelVersion]:
        return {}


class FakeShelf:
    """Bases by name: their content."""

    def __init__(self) -> None:
        self.contents = {"tiny": "weights"}
        self.prepared: list[str] = []
        self.is_down = False

    def fingerprint(self, name: str) -> str:
        return f"of {self.contents.get(name)}"

    def prepare(self, name: str, folder: Path, *, must_stop: Callable[[], bool]) -> PreparedBase:
        if must_stop():
            raise StoppedAttemptError
        if name not in self.contents:
            raise InvalidInputError.of("base", f"no base {name!r} is built in")
        self.prepared.append(name)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "config.json").write_text(self.contents[name])
        return PreparedBase(files={"config.json": folder / "config.json"}, meta={"model_type": "fake"})

    def prepare_from(self, source: BaseSource, folder: Path, *, must_stop: Callable[[], bool]) -> PreparedBase:
        if self.is_down:
            raise UnavailableError("The hub does not answer")
        return self.prepare(source.name, folder, must_stop=must_stop)

    def available(self) -> Sequence[AvailableBase]:
        return [
            AvailableBase(name="mine", origin="folder"),
            AvailableBase(name="tiny", origin="built-in", summary="Small.", lacks="a package"),
        ]


class FakeFeed:
    """Remembers what was offered."""

    def __init__(self) -> None:
        self.offered: list[RunProgress] = []

    def publish(self, progress: RunProgress) -> None:
        self.offered.append(progress)


class FakeLease:
    """A lease that a test can take away."""

    def __init__(self) -> None:
        self.must_stop = False

    def wait(self, seconds: float) -> bool:
        return self.must_stop


# What a child does, one step a read: lines that it says, or something that happens at that moment.
Script = Sequence[str | Line | Callable[[], object]]


class FakeChild:
    """A child that follows a script and then exits; without an exit code it goes on in silence until it is stopped."""

    def __init__(self, script: Script, exit_code: int | None, last_words: Sequence[str]) -> None:
        self._script = list(script)
        self._exit_code = exit_code
        self._last_words = last_words
        self.was_stopped = False

    @property
    def ended(self) -> bool:
        return not self._script and self._exit_code is not None

    def read(self, window_s: float) -> Sequence[Line]:
        if not self._script:
            time.sleep(0.001)
            return []
        step = self._script.pop(0)
        if isinstance(step, Line):
            return [step]
        if isinstance(step, str):
            return [Line(text=step, is_output=True)]
        step()
        return []

    def exit_code(self) -> int:
        assert self._exit_code is not None
        return self._exit_code

    def stop(self) -> Sequence[Line]:
        self.was_stopped = True
        return [Line(text=text, is_output=True) for text in self._last_words]


@dataclass
class FakeLauncher:
    """Launches children that follow the test's script.

    Attributes:
        script: what the next child does.
        exit_code: how it ends; None lets it live.
        last_words: what it says when it is stopped.
        outputs: files that it leaves in its output folder, by path.
        jobs: every `job.json` that was launched.
    """

    script: Script = ()
    exit_code: int | None = 0
    last_words: Sequence[str] = ()
    outputs: dict[str, str] = field(default_factory=dict)
    jobs: list[dict[str, Any]] = field(default_factory=list)
    children: list[FakeChild] = field(default_factory=list)

    def launch(self, job_folder: Path) -> FakeChild:
        job = json.loads((job_folder / "job.json").read_text())
        self.jobs.append(job)
        for path, content in self.outputs.items():
            target = Path(job["output_dir"]) / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(content)
        self.children.append(FakeChild(self.script, self.exit_code, self.last_words))
        return self.children[-1]
