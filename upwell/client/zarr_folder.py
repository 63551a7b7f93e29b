"""A Zarr store that is a folder, packed into the one file that is sent."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
import zipfile
from collections.abc import AsyncIterator, Callable
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path

from upwell.errors import ToolError

ENDING = ".zarr"
# What lies at the top of a store, of the third version of the format and of the second.
METADATA = ("zarr.json", ".zgroup")
# With the time of its making in it, the same store would be another file each time.
ZIP_TIME = (1980, 1, 1, 0, 0, 0)
Progress = Callable[[int, int], None]


@asynccontextmanager
async def packed(path: Path, progress: Progress | None = None) -> AsyncIterator[Path]:
    """What to send: the file itself, or for a while a zip of a folder, not compressed: a store's chunks are already.

    Args:
        path: a file, or the folder of a Zarr store.
        progress: told after each file of a folder: the bytes packed so far, and all of them.

    Raises:
        ToolError: a folder is no Zarr store, or cannot be read, or the disk is full.
    """
    name = await asyncio.to_thread(_zip_name, path)
    if not name:
        yield path
        return
    with ExitStack() as stack:
        try:
            target = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="upwell-"))) / name
            await _pack(path, target, progress)
        except OSError as error:
            raise ToolError(f"{path} cannot be packed: {error.strerror}.") from error
        yield target


def _zip_name(path: Path) -> str:
    """What the zip of a folder is called, by which the server knows what it is; empty for a file."""
    if not path.is_dir():
        return ""
    if path.suffix.lower() != ENDING and not any((path / name).is_file() for name in METADATA):
        raise ToolError(
            f"{path} is a folder: send one file, or the folder of a Zarr store (its name ends in {ENDING})."
        )
    return f"{path.resolve().name.removesuffix(ENDING)}{ENDING}.zip"


async def _pack(folder: Path, target: Path, progress: Progress | None) -> None:
    files = await asyncio.to_thread(lambda: sorted(path for path in folder.rglob("*") if path.is_file()))
    size, done = sum(path.stat().st_size for path in files), 0
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:
        for path in files:
            await asyncio.to_thread(_add, archive, path, path.relative_to(folder).as_posix())
            done += path.stat().st_size
            if progress:
                progress(done, size)


def _add(archive: zipfile.ZipFile, path: Path, name: str) -> None:
    # A chunk may have more than 2 GiB; the archive has to know before it is written.
    member = zipfile.ZipInfo(name, ZIP_TIME)
    with path.open("rb") as source, archive.open(member, "w", force_zip64=True) as packed_file:
        shutil.copyfileobj(source, packed_file)
