"""The files of a version, in a folder and in a manifest."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from upwell.errors import ToolError

PARTIAL_FOLDER = ".upwell-partial"
# One PUT takes no more.
MAX_FILE_BYTES = 5 * 2**30


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """A file of a version: its path in it, and its bytes."""

    path: str
    sha256: str
    size_bytes: int


def listed_files(manifest: bytes, digest: str) -> list[File]:
    """What a manifest lists; ToolError when its bytes have another digest."""
    if hashlib.sha256(manifest).hexdigest() != digest:
        raise ToolError(f"The manifest {digest[:12]} is damaged in the object store.")
    return [
        File(path=str(row["path"]), sha256=str(row["sha256"]), size_bytes=int(row["size_bytes"]))
        for row in json.loads(manifest)["files"]
    ]


def found_files(folder: Path) -> list[File]:
    """The files of a folder by path, hashed; what begins with a dot is left out.

    Raises:
        ToolError: there is none, one cannot be read, or is none that can be uploaded.
    """
    if not folder.is_dir():
        raise ToolError(f"{folder} is no folder.")
    files = []
    for path in sorted(folder.rglob("*")):
        relative = path.relative_to(folder)
        if any(part.startswith(".") for part in relative.parts):
            continue
        if path.is_symlink() or not (path.is_file() or path.is_dir()):
            raise ToolError(f"{path} is neither a file nor a folder: links are not followed.")
        if path.is_file():
            files.append(_hashed(path, relative.as_posix()))
    if not files:
        raise ToolError(f"{folder} holds no file.")
    return files


def local_path(folder: Path, path: str) -> Path:
    """Where a version's file goes; ToolError when its path leads out of the folder."""
    pure = PurePosixPath(path)
    if not pure.parts or pure.is_absolute() or ".." in pure.parts or str(pure) != path or "\\" in path or "\0" in path:
        raise ToolError(f"The manifest names the path {path!r}, which is no plain relative one: nothing was written.")
    return folder.joinpath(*pure.parts)


def file_digest(path: Path) -> str:
    """sha256 of a file, in hexadecimal."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def stands(path: Path, *, sha256: str, size_bytes: int) -> bool:
    """Whether a file is there already, whole."""
    return path.is_file() and path.stat().st_size == size_bytes and file_digest(path) == sha256


def remove_if_empty(folder: Path) -> None:
    """Remove a folder that holds nothing."""
    if folder.is_dir() and not any(folder.iterdir()):
        folder.rmdir()


def _hashed(path: Path, relative: str) -> File:
    try:
        size_bytes = path.stat().st_size
        if size_bytes > MAX_FILE_BYTES:
            raise ToolError(f"{path} has {size_bytes} bytes: a file may have 5 GiB. Split it (safetensors in shards).")
        return File(path=relative, sha256=file_digest(path), size_bytes=size_bytes)
    except OSError as error:
        raise ToolError(f"{path} cannot be read: {error.strerror}.") from error
