"""Checkpoints beside `training_info.json` files: which of their files may be stored, and where they are stored."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from upwell.client.history_tree import FILE_NAME, why_not

# Stores files (path in the checkpoint -> file) under a name and gives the sha256 of their manifest.
CheckpointStore = Callable[[str, Mapping[str, Path]], Awaitable[str]]

WEIGHTS = ".safetensors"
ALLOWED = {WEIGHTS, ".json", ".jsonl", ".txt", ".model", ".jinja", ".tiktoken"}
PICKLES = {".bin", ".pt", ".pth", ".pkl", ".pickle", ".ckpt", ".npy", ".npz", ".joblib"}
MOST_FILES = 1000


@dataclass(slots=True)
class Checkpoint:
    """What was found where a file says its checkpoint is.

    Attributes:
        files: what may be stored, by its path in the checkpoint; empty where it is missing.
        left_out: a file's path, and why it is not stored.
        missing: why there is nothing to store; empty where there is something.
    """

    files: dict[str, Path] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)
    missing: str = ""


def find_checkpoint(root: Path, info: Path, final_checkpoint: str) -> Checkpoint:
    """The checkpoint of a file.

    Args:
        root: the tree, resolved; what lies outside of it is not read.
        info: the `training_info.json`.
        final_checkpoint: where it says the checkpoint is: a file or folder, absolute or relative to it.
    """
    if not final_checkpoint or "\0" in final_checkpoint:
        return Checkpoint(missing="none is named")
    place = info.parent / final_checkpoint
    if not _exists(place):
        return Checkpoint(missing=f"{final_checkpoint} is not there")
    if not place.resolve().is_relative_to(root):
        return Checkpoint(missing=f"{final_checkpoint} lies outside of the tree")
    found = Checkpoint()
    for file in sorted(place.rglob("*")) if place.is_dir() else [place]:
        if not file.is_dir() and file.name != FILE_NAME:
            _sort(found, root, file, file.relative_to(place).as_posix() if place.is_dir() else file.name)
    if len(found.files) > MOST_FILES:
        return Checkpoint(missing=f"{final_checkpoint} holds more than {MOST_FILES} files")
    if not any(path.endswith(WEIGHTS) for path in found.files):
        return Checkpoint(left_out=found.left_out, missing=f"{final_checkpoint} holds no {WEIGHTS} file")
    return found


def _exists(place: Path) -> bool:
    try:
        return place.exists()
    except OSError:  # e.g. a name that is longer than any may be
        return False


def _sort(found: Checkpoint, root: Path, file: Path, path: str) -> None:
    reason = why_not(root, file)
    if not reason and file.suffix in PICKLES:
        reason = "may hold pickle, which can run code: only safetensors are stored"
    if not reason and file.suffix not in ALLOWED:
        reason = "is no safetensors, JSON or tokenizer file"
    if reason:
        found.left_out[path] = reason
    else:
        found.files[path] = file
