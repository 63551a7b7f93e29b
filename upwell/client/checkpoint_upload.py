"""Checkpoints of imported histories into the object store, as datasets of the kind `checkpoint/v1`."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

from upwell.client.client import Upwell

KIND = "checkpoint/v1"
NOT_IN_NAMES = re.compile(r"[^\w.\-]+")
LONGEST_NAME = 100


def checkpoint_name(path: str) -> str:
    """The dataset's name for the checkpoint of the file at a path: its folders, and what it is."""
    folders = NOT_IN_NAMES.sub("-", path.rpartition("/")[0]).strip("-._")
    return f"{folders[: LONGEST_NAME - len('-checkpoint')]}-checkpoint".lstrip("-")


async def store_checkpoint(upwell: Upwell, path: str, files: Mapping[str, Path]) -> str:
    """Upload files (path in the checkpoint -> file); the sha256 of their manifest. The same files again send nothing.

    Raises:
        UpwellClientError: the upload was refused.
        ToolError: a file cannot be read or sent.
    """
    with tempfile.TemporaryDirectory(prefix="upwell-checkpoint-") as folder:
        await asyncio.to_thread(_gather, files, Path(folder))
        version = await upwell.artifacts.push_dataset(Path(folder), name=checkpoint_name(path), kind=KIND)
        return version.ref.manifest_digest


def _gather(files: Mapping[str, Path], folder: Path) -> None:
    """Bring the files together by hard links, or by copies where the folder lies on another disk."""
    for path, file in files.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            os.link(file.resolve(), target)
        except OSError:
            shutil.copyfile(file, target)
