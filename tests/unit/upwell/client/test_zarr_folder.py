"""A Zarr store that is a folder goes out as one file."""

from __future__ import annotations

from pathlib import Path
from zipfile import ZIP_STORED, ZipFile

import pytest
import xarray as xr
from zarr.storage import ZipStore

from tests.support.fields import sst_dataset
from tests.unit.upwell.fakes import FakeServices
from upwell.client import Upwell
from upwell.client.zarr_folder import packed
from upwell.errors import ToolError


def store(folder: Path) -> Path:
    sst_dataset().to_zarr(folder, zarr_format=2, consolidated=False)
    return folder


async def test_a_folder_becomes_a_zip_of_its_bytes_for_a_while(tmp_path):
    folder, told = store(tmp_path / "sst.zarr"), []
    async with packed(folder, lambda *done: told.append(done)) as path:
        assert path.name == "sst.zarr.zip"
        first = path.read_bytes()
        with ZipFile(path) as archive:
            assert {entry.compress_type for entry in archive.infolist()} == {ZIP_STORED}
        with ZipStore(path, mode="r") as opened, xr.open_zarr(opened, consolidated=False) as found:
            xr.testing.assert_identical(found.load(), sst_dataset())
    assert not path.parent.exists()
    size = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
    assert told[-1] == (size, size)
    assert [done for done, _ in told] == sorted({done for done, _ in told})
    async with packed(folder) as path:
        assert path.read_bytes() == first


@pytest.mark.parametrize(("folder", "sent"), [("pacific.zarr", "pacific.zarr.zip"), ("pacific", "pacific.zarr.zip")])
async def test_the_client_sends_it(services: FakeServices, tmp_path, folder, sent):
    store(tmp_path / folder)
    packing, progress = [], []
    async with Upwell.connect(services.connection()) as upwell:
        await upwell.ingest.file(
            tmp_path / folder,
            name="海温",
            packing=lambda *done: packing.append(done),
            progress=lambda *done: progress.append(done),
        )
    (header,) = services.ingest.headers
    assert header.file_name == sent
    assert packing[-1][0] == packing[-1][1] < progress[-1][0] == progress[-1][1]


async def test_a_file_is_sent_as_it_is(tmp_path):
    file = tmp_path / "a.csv"
    file.write_text("x\n")
    async with packed(file) as path:
        assert path == file


async def test_another_folder_is_refused(tmp_path):
    with pytest.raises(ToolError, match=r"is a folder: send one file, or the folder of a Zarr store"):
        async with packed(tmp_path):
            pass


async def test_a_store_that_cannot_be_read_is_told(tmp_path, monkeypatch):
    folder = store(tmp_path / "sst.zarr")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "full"))
    with pytest.raises(ToolError, match=r"sst\.zarr cannot be packed: No such file"):
        async with packed(folder):
            pass
