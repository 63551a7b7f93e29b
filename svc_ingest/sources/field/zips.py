"""What a zip of fields may be: NetCDF files, or one Zarr store."""

from __future__ import annotations

import shutil
from pathlib import Path, PurePosixPath
from zipfile import ZipFile

from shared.errors import InvalidInputError
from svc_ingest.sources.zips import DAMAGED

MOST_ENTRIES = 500_000
# Four decades, a file a month, come to 480; xarray keeps 128 of them open.
MOST_FILES = 1000
ENDINGS = (".nc", ".nc4")
ZARR_FILES = ("zarr.json", ".zgroup")


def zarr_root(archive: ZipFile) -> str | None:
    """The folder of the Zarr store in the zip, empty for its top; None if it holds none."""
    paths = [PurePosixPath(name) for name in archive.namelist()]
    folders = [path.parent for path in paths if path.name in ZARR_FILES]
    top = min(folders, key=lambda folder: (len(folder.parts), str(folder)), default=None)
    return None if top is None else "" if str(top) == "." else str(top)


def netcdf_names(archive: ZipFile) -> list[str]:
    """The NetCDF files of the zip, by name, so that their order in it changes nothing.

    Raises:
        InvalidInputError: there are none, or far too many.
    """
    names = sorted(name for name in archive.namelist() if name.lower().endswith(ENDINGS))
    if not 0 < len(names) <= MOST_FILES:
        reason = f"the zip holds {len(names)} NetCDF files; needed are 1 to {MOST_FILES}, or one Zarr store"
        raise InvalidInputError.of("file", reason)
    return names


def unpack(archive: ZipFile, name: str, target: Path) -> Path:
    """Unpack one file to `target`, whatever its name is.

    Raises:
        InvalidInputError: it is damaged.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        with archive.open(name) as source, target.open("wb") as file:
            shutil.copyfileobj(source, file)
    except (*DAMAGED, ValueError) as error:
        raise InvalidInputError.of("file", f"{name}: cannot be unpacked ({error})") from None
    return target
