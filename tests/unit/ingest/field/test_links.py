"""HDF5 files that lead elsewhere: the NetCDF library would follow, so they are refused before it looks."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path

import h5py
import netCDF4
import numpy as np
import pytest

from shared.errors import InvalidInputError
from tests.support.fields import LAT, LON, sst_dataset, temperatures

SHAPE = (24, len(LAT), len(LON))


def store_outside(file: h5py.File, other: Path) -> None:
    file.create_dataset("temp2", SHAPE, "f4", external=[(str(other), 0, h5py.h5f.UNLIMITED)])


def link_outside(file: h5py.File, other: Path) -> None:
    file["temp2"] = h5py.ExternalLink(str(other), "/temp")


def link_a_group_outside(file: h5py.File, other: Path) -> None:
    file.create_group("in/deeper")["more"] = h5py.ExternalLink(str(other), "/")


def make_virtual(file: h5py.File, other: Path) -> None:
    layout = h5py.VirtualLayout(SHAPE, "f4")
    layout[:] = h5py.VirtualSource(str(other), "temp", SHAPE)
    file.create_virtual_dataset("temp2", layout)


def link_symbolically(file: h5py.File, other: Path) -> None:
    file["temp2"] = h5py.SoftLink("/temp")


def hold_itself(file: h5py.File, other: Path) -> None:
    file.create_group("in")["up"] = file["/"]


def hold_twice(file: h5py.File, other: Path) -> None:
    file["too"] = file.create_group("in")


def nest(file: h5py.File, other: Path) -> None:
    file.create_group("/".join(["in"] * 2000))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (store_outside, "variable 'temp2' keeps its values in another place: refused"),
        (link_outside, "'temp2' is a link to another file"),
        (link_a_group_outside, "'in/deeper/more' is a link to another file"),
        (make_virtual, "variable 'temp2' keeps its values in another place"),
        (link_symbolically, "'temp2' is a symbolic link"),
        (hold_itself, "group 'in/up' lies in two places"),
        (hold_twice, "group '(in|too)' lies in two places"),
        (nest, "lies over 16 groups deep"),
    ],
)
def test_a_file_that_leads_elsewhere_is_refused(save, tmp_path, make, change, said) -> None:
    other = save(sst_dataset(), "other.nc4")
    path = save(sst_dataset(), "f.nc4")
    with h5py.File(path, "a") as file:
        change(file, other)
    with pytest.raises(InvalidInputError, match=f"^file: .*{said}"):
        make(path)
    with zipfile.ZipFile(tmp_path / "f.nc.zip", "w") as archive:
        archive.write(path, "in.nc")
    with pytest.raises(InvalidInputError, match=rf"^file: in\.nc: .*{said}"):
        make(tmp_path / "f.nc.zip")


@pytest.mark.parametrize("change", [store_outside, make_virtual])
def test_the_library_itself_would_follow(save, change: Callable[[h5py.File, Path], None]) -> None:
    """Were it not so, the check could go."""
    other, path = save(sst_dataset(), "other.nc4"), save(sst_dataset(), "f.nc4")
    with h5py.File(path, "a") as file:
        change(file, other)
        if change is store_outside:
            other.write_bytes(np.full(SHAPE, 7, "f4").tobytes())
    with netCDF4.Dataset(path) as opened:
        read = np.ma.getdata(opened["temp2"][:])
    expected = np.full(SHAPE, 7) if change is store_outside else temperatures(sst_dataset()["time"].to_index())
    np.testing.assert_array_equal(read, expected)


def test_a_damaged_file_is_refused(save, make) -> None:
    path = save(sst_dataset(), "f.nc4")
    content = bytearray(path.read_bytes())
    content[60:400] = b"\xff" * 340
    path.write_bytes(content)
    with pytest.raises(InvalidInputError, match="cannot be read as NetCDF; it may be truncated"):
        make(path)


def test_groups_and_classic_files_lead_nowhere(save, ingest) -> None:
    path = save(sst_dataset(), "f.nc4")
    with h5py.File(path, "a") as file:
        file.create_group("in/deeper")
        file["in/same"] = file["temp"]
    np.testing.assert_array_equal(ingest(path).lat, LAT)
    np.testing.assert_array_equal(ingest(save(sst_dataset(), "c.nc", format="NETCDF3_CLASSIC")).lat, LAT)
