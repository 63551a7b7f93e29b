"""Opens what a file holds: one NetCDF file, several in a zip, or a zipped Zarr store."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from zipfile import ZipFile, is_zipfile

import xarray as xr
from scipy.io import netcdf_file
from zarr.storage import ZipStore

from shared.errors import InvalidInputError
from svc_ingest.sources.field.links import check_links
from svc_ingest.sources.field.zarr_checks import check_zarr
from svc_ingest.sources.field.zips import MOST_ENTRIES, netcdf_names, unpack, zarr_root
from svc_ingest.sources.zips import check_zip

# The first bytes of classic NetCDF in its three forms, and of NetCDF 4, which is HDF5.
CLASSIC = (b"CDF\x01", b"CDF\x02")
NETCDF = (*CLASSIC, b"CDF\x05", b"\x89HDF")


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One opened file.

    Args:
        name: its name in the zip; empty where there is but one.
        dataset: its variables, times not decoded, nothing read.
    """

    name: str
    dataset: xr.Dataset

    def wrong(self, reason: str, variable: str = "") -> InvalidInputError:
        """The error that says what is wrong, and where."""
        places = [self.name, f"variable {variable!r}" if variable else ""]
        return InvalidInputError.of("file", ": ".join([*filter(None, places), reason]))


@contextmanager
def open_parts(path: Path, folder: Path) -> Iterator[list[Part]]:
    """What the file holds, open for the length of the block; a zip of NetCDF files is unpacked into `folder`.

    Raises:
        InvalidInputError: it is none of the forms, truncated, or made to fill the disk.
    """
    with ExitStack() as stack:
        yield list(_parts(path, folder, stack))


def _parts(path: Path, folder: Path, stack: ExitStack) -> Iterator[Part]:
    if not is_zipfile(path):
        yield _open_netcdf("", path, stack)
        return
    with ZipFile(path) as archive:
        check_zip(archive, path.stat().st_size, most_entries=MOST_ENTRIES)
        root = zarr_root(archive)
        if root is not None:
            check_zarr(archive, root)
            yield _open_zarr(path, root, stack)
            return
        for place, name in enumerate(netcdf_names(archive)):
            yield _open_netcdf(name, unpack(archive, name, folder / f"{place}.nc"), stack)


def _open_netcdf(name: str, path: Path, stack: ExitStack) -> Part:
    with path.open("rb") as file:
        start = file.read(4)
    place = f"{name}: " if name else ""
    if start not in NETCDF:
        reason = "is neither NetCDF nor a zip of NetCDF files or of a Zarr store"
        raise InvalidInputError.of("file", f"{place}{reason}" if name else reason)
    check_links(path, place)
    try:
        if start in CLASSIC:
            _check_length(path)
        # Times are read by us, who say which calendar is refused; an index would read an axis of any length at once.
        opened = xr.open_dataset(path, engine="netcdf4", decode_times=False, create_default_indexes=False)
        dataset = stack.enter_context(opened)
    # scipy fails in many ways on what is cut off.
    except (OSError, ValueError, TypeError, RuntimeError, LookupError, ArithmeticError) as error:
        reason = f"cannot be read as NetCDF; it may be truncated ({type(error).__name__})"
        raise InvalidInputError.of("file", f"{place}{reason}") from None
    return Part(name=name, dataset=dataset)


def _check_length(path: Path) -> None:
    # The NetCDF library reads zeros behind the end of a classic file; scipy maps every variable and fails.
    with netcdf_file(path, mmap=True) as file:
        del file


def _open_zarr(path: Path, root: str, stack: ExitStack) -> Part:
    store = stack.enter_context(ZipStore(path, mode="r"))
    try:
        dataset = xr.open_zarr(
            store, group=root, chunks=None, consolidated=False, decode_times=False, create_default_indexes=False
        )
    except (OSError, ValueError, TypeError, KeyError, RuntimeError) as error:
        raise InvalidInputError.of("file", f"cannot be read as a Zarr store ({error})") from None
    return Part(name="", dataset=stack.enter_context(dataset))
