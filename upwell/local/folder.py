"""Where the embedded stack keeps things: one folder holds everything it knows."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from upwell.errors import StackError

DEFAULT = Path(".upwell")


@dataclass(frozen=True, slots=True)
class DataFolder:
    """The places under the data folder."""

    root: Path

    @classmethod
    def at(cls, path: Path) -> DataFolder:
        """The folder as an absolute path; nothing is made."""
        return cls(path.expanduser().resolve())

    @property
    def record(self) -> Path:
        """Ports and secrets."""
        return self.root / "upwell.json"

    @property
    def state(self) -> Path:
        """What the supervisor runs now; absent while it does not."""
        return self.root / "state.json"

    @property
    def lock(self) -> Path:
        """Held by the supervisor as long as it lives."""
        return self.root / "upwell.lock"

    @property
    def imports(self) -> Path:
        """Files that svc_ingest may be asked to read by path."""
        return self.root / "import"

    @property
    def bases(self) -> Path:
        """Base models in Hugging Face layout that svc_train may be asked to use."""
        return self.root / "bases"

    def of(self, name: str) -> Path:
        """The folder of one process."""
        return self.root / name

    def log(self, name: str) -> Path:
        """The log of one process."""
        return self.root / "logs" / f"{name}.log"

    def make(self) -> None:
        """Make the folder, for its owner only.

        Raises:
            StackError: it cannot be made.
        """
        try:
            self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
            for folder in (self.root / "logs", self.imports, self.bases):
                folder.mkdir(exist_ok=True)
        except OSError as error:
            raise StackError(
                f"The data folder {self.root} cannot be made: {error.strerror}. Name another with --data."
            ) from error


def write_private(path: Path, value: Mapping[str, Any]) -> None:
    """Replace a JSON file in one step, readable by its owner only."""
    draft = path.with_suffix(f".{os.getpid()}.draft")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(value, file, indent=2)
    draft.replace(path)
