"""Where the links of an HDF5 file lead, found before anything follows them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py

from shared.errors import InvalidInputError

# Of groups within groups; NetCDF files of fields have one or none.
MOST_DEPTH = 16


def check_links(path: Path, place: str) -> None:
    """Refuse a file that would make the NetCDF library read other files of this machine, or run in circles.

    An external link, an external storage or a virtual dataset names any path, and HDF5 opens it as soon as the object
    is looked at; it has no switch against that. Groups that hold each other end the process. h5py tells what a link or
    a dataset is without following it.

    Args:
        path: the file; what is no HDF5 has no links.
        place: its name for messages, with what follows a name; empty for none.

    Raises:
        InvalidInputError: there is such a link, or the file is damaged.
    """
    if not h5py.is_hdf5(path):
        return
    try:
        with h5py.File(path, "r") as file:
            wrong = file.visititems_links(_Look(file))
    # A link of a kind that h5py does not know is a TypeError.
    except (OSError, RuntimeError, ValueError, KeyError, TypeError) as error:
        reason = f"cannot be read as NetCDF; it may be truncated ({type(error).__name__})"
        raise InvalidInputError.of("file", f"{place}{reason}") from None
    if wrong is not None:
        raise InvalidInputError.of("file", f"{place}{wrong}: refused; write all of it plainly into one file")


class _Look:
    """Looks at each link of a file, a group before what it holds, and says what is wrong with it.

    Anything but None ends the visit.
    """

    def __init__(self, file: h5py.File) -> None:
        self._file = file
        self._groups = {_address(file)}

    def __call__(self, name: str, link: Any) -> str | None:
        if isinstance(link, h5py.ExternalLink):
            return f"{name!r} is a link to another file"
        # What it leads to is only known by following it, maybe through a link to another file.
        if not isinstance(link, h5py.HardLink):
            return f"{name!r} is a symbolic link"
        if name.count("/") >= MOST_DEPTH:
            return f"{name!r} lies over {MOST_DEPTH} groups deep"
        node = self._file[name]
        if isinstance(node, h5py.Dataset):
            elsewhere = node.external or node.is_virtual
            return f"variable {name!r} keeps its values in another place" if elsewhere else None
        if isinstance(node, h5py.Group):
            if _address(node) in self._groups:
                return f"group {name!r} lies in two places"
            self._groups.add(_address(node))
        return None


def _address(group: h5py.Group) -> int:
    return int(h5py.h5o.get_info(group.id).addr)
