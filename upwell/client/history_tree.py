"""Trees of `training_info.json` on this machine: found, and written. Nothing outside the tree is read or written."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from upwell.errors import ToolError

FILE_NAME = "training_info.json"
MOST_FILES = 10_000
MOST_BYTES = 2**20
WHOLE = "(file)"


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundFile:
    """A file of the tree: `path` is relative to the tree, with `/`."""

    path: str
    at: Path
    content: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class BadFile:
    """What cannot be sent, and why."""

    path: str
    reason: str


@dataclass(slots=True)
class Tree:
    """What was found below a folder."""

    root: Path
    files: list[FoundFile] = field(default_factory=list)
    bad: list[BadFile] = field(default_factory=list)


def find_histories(root: Path) -> Tree:
    """Every `training_info.json` below a folder, whatever its folders are called. Links to folders are not followed.

    Raises:
        ToolError: there is no such folder, or it holds too many files.
    """
    if not root.is_dir():
        raise ToolError(f"{root} is not a folder.")
    tree = Tree(root=root.resolve())

    def note(error: OSError) -> None:
        path = _shown(tree.root, Path(str(error.filename)))
        tree.bad.append(BadFile(path=path, reason=error.strerror or "cannot be read"))

    for folder, folders, names in os.walk(tree.root, onerror=note):
        folders.sort()
        if FILE_NAME in names:
            _take(tree, Path(folder) / FILE_NAME)
        if len(tree.files) > MOST_FILES:
            raise ToolError(f"{root} holds more than {MOST_FILES:,} files {FILE_NAME}: import its folders one by one.")
    return tree


def _take(tree: Tree, at: Path) -> None:
    path = _shown(tree.root, at)
    reason = why_not(tree.root, at)
    if not reason and not _is_text(at):
        reason = "has a path that is not UTF-8"
    if not reason and at.stat().st_size > MOST_BYTES:
        reason = f"has {at.stat().st_size:,} bytes; at most {MOST_BYTES:,} are read"
    if not reason:
        try:
            tree.files.append(FoundFile(path=path, at=at, content=at.read_bytes()))
        except OSError as error:
            reason = f"cannot be read: {error.strerror}"
    if reason:
        tree.bad.append(BadFile(path=path, reason=reason))


def why_not(root: Path, at: Path) -> str:
    """Why a file may not be read; empty where it may: a regular file whose real place is inside the resolved root."""
    try:
        real = at.resolve(strict=True)
    except (OSError, RuntimeError):
        return "is a link to nothing"
    if not real.is_relative_to(root):
        return "is a link that leaves the tree"
    return "" if real.is_file() else "is not a regular file"


def write_history(root: Path, path: str, content: bytes, *, overwrite: bool) -> bool:
    """Write an exported file; False when a file of the same value stands already.

    Raises:
        ToolError: the path leaves the folder, or another file stands there and may not be overwritten.
    """
    pure = PurePosixPath(path)
    target = root / pure
    if pure.is_absolute() or ".." in pure.parts or not target.resolve().is_relative_to(root.resolve()):
        raise ToolError(f"{path!r} leaves the folder {root}.")
    if target.exists():
        if _value(target.read_bytes()) == _value(content):
            return False
        if not overwrite:
            raise ToolError(f"{target} holds something else: export to an empty folder, or say --overwrite.")
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(content)
    return True


def documents(tree: Tree) -> Iterator[tuple[FoundFile, dict[str, Any]]]:
    """The files that hold an object; what is wrong with the others the service will say."""
    for file in tree.files:
        try:
            document = json.loads(file.content)
        except (ValueError, RecursionError):
            continue
        if isinstance(document, dict):
            yield file, document


def _value(content: bytes) -> str:
    """A file's JSON value as text, so that `1` and `true` differ; the text itself where it is no JSON."""
    try:
        return json.dumps(json.loads(content))
    except (ValueError, RecursionError):
        return content.decode(errors="replace")


def _shown(root: Path, at: Path) -> str:
    relative = at.relative_to(root) if at.is_relative_to(root) else at
    return relative.as_posix().encode(errors="surrogateescape").decode(errors="replace")


def _is_text(at: Path) -> bool:
    try:
        str(at).encode()
    except UnicodeEncodeError:
        return False
    return True
