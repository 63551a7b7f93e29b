from __future__ import annotations

import io
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from shared.errors import InvalidInputError
from shared.fields import samples
from shared.fields.samples import read_sample, write_sample
from tests.support.oceans import LAT, LON, ocean_sample


def arrays(**changes: Any) -> dict[str, Any]:
    sample = ocean_sample()
    plain = {
        "history": sample.history_TCYX, "future": sample.future_FCYX, "channels": np.array(sample.channels),
        "lat": sample.lat, "lon": sample.lon, "months": np.array(sample.months),
    }  # fmt: skip
    return {name: value for name, value in (plain | changes).items() if value is not None}


def packed(**changes: Any) -> io.BytesIO:
    buffer = io.BytesIO()
    np.savez(buffer, **arrays(**changes))
    buffer.seek(0)
    return buffer


def test_a_sample_comes_back_and_equal_ones_have_equal_bytes(tmp_path: Path) -> None:
    for name in ("a.npz", "b.npz"):
        write_sample(tmp_path / name, ocean_sample(facts="[]"))
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()
    again = read_sample(tmp_path / "a.npz", "a")
    assert again.grid == ocean_sample().grid
    np.testing.assert_array_equal(again.history_TCYX, ocean_sample().history_TCYX)
    np.testing.assert_array_equal(again.future_FCYX, ocean_sample().future_FCYX)
    assert (again.months, again.facts) == (ocean_sample().months, "[]")


def test_a_sample_may_say_what_it_departs_from(tmp_path: Path) -> None:
    bases = ("1982-01/2010-12", "given")
    write_sample(tmp_path / "a.npz", replace(ocean_sample(), bases=bases))
    assert read_sample(tmp_path / "a.npz", "a").bases == bases


def test_a_sample_may_have_no_future() -> None:
    sample = read_sample(packed(future=None, months=np.array(ocean_sample().months[:8])), "x")
    assert (sample.history, sample.future_FCYX.shape) == (8, (0, 2, len(LAT), len(LON)))


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"history": None}, "has no array 'history'"),
        ({"history": np.zeros((8, 2, 5, 3), np.float32)}, r"'history' is float32 of the shape \[8, 2, 5, 3\]; needed"),
        ({"history": np.zeros((8, 2, 5), np.float32)}, "'history' is float32 of the shape"),
        ({"history": np.zeros((0, 2, 5, 13), np.float32)}, "'history' has no month"),
        ({"future": np.full((4, 2, 5, 13), np.inf, np.float32)}, "'future' holds an infinite value"),
        ({"future": np.zeros((3, 2, 5, 13), np.float32)}, "'months' names 12; 'history' has 8 and 'future' 3"),
        ({"months": np.array([*ocean_sample().months[:11], "2001-13"])}, "'months' has '2001-13'"),
        ({"months": np.array(["2001-01", *ocean_sample().months[:11]])}, "'months': 2001-01 does not come after"),
        ({"months": np.array(ocean_sample().months[::-1])}, "'months': 2001-11 does not come after 2001-12"),
        ({"months": np.array(["0000-12", *ocean_sample().months[:11]])}, "'months' has '0000-12'"),
        ({"lat": LAT[::-1]}, "'lat' is float64 .* each larger than the one before"),
        ({"lat": LAT * 20}, "'lat' goes from -.* it lies within -90 to 90"),
        ({"lon": LON + 200}, "'lon' goes from .* it lies within 0 to 360"),
        ({"history": np.full((8, 2, 5, 13), 1e300)}, "'history' holds an infinite value"),
        ({"history": np.full((8, 2, 5, 13), 27.5, np.float32)}, "'history': sst has 27.5 degC; a month's anomaly lies"),
        ({"future": np.full((4, 2, 5, 13), 1e30, np.float32)}, "'future': sst has .* look absolute: send anomalies"),
        ({"bases": np.array(["1982-01/2010-12"])}, "'bases': there are 1 for 2 channels"),
        ({"bases": np.array([b"given", b"given"])}, "'bases' is .* a list of texts"),
        ({"channels": np.array(["sst", "sst"])}, ".* at least one, each once"),
        ({"channels": np.array([b"sst", b"taux"])}, "'channels' is .* a list of texts"),
        ({"notes": np.zeros(1)}, "holds 'notes.npy'"),
        ({"months": np.array(["a"], dtype=object)}, "'months' holds pickled objects, which are never loaded"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named(changes: dict[str, Any], reason: str) -> None:
    with pytest.raises(InvalidInputError, match=f"^features: line 3: {reason}"):
        read_sample(packed(**changes), "line 3")


def test_a_missing_file_and_one_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match="line 3: is missing"):
        read_sample(tmp_path / "no.npz", "line 3")
    with pytest.raises(InvalidInputError, match=r"line 3: is no \.npz file"):
        read_sample(io.BytesIO(b"\x80\x04K\x01."), "line 3")
    whole = packed().getvalue()
    with pytest.raises(InvalidInputError, match=r"line 3: is no \.npz file, or a damaged one"):
        read_sample(io.BytesIO(whole[: len(whole) // 2]), "line 3")


def test_a_bomb_takes_no_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(samples, "MAX_SAMPLE_BYTES", 5_000)
    with pytest.raises(InvalidInputError, match="bytes when it is unpacked; at most 5000"):
        read_sample(packed(), "line 3")


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_file_packed_by_another_method_may_be_damaged_too(method: int) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as target:
        target.writestr("history.npy", bytes(range(256)) * 40)
    broken = bytearray(buffer.getvalue())
    start = broken.index(b"history.npy") + len("history.npy") + 12
    broken[start : start + 40] = b"\xff" * 40
    with pytest.raises(InvalidInputError, match=r"line 3: is no \.npz file, or a damaged one"):
        read_sample(io.BytesIO(broken), "line 3")


@pytest.mark.parametrize(("descr", "shape"), [("<f4", (-1, 3)), ("<U0", (4, 3))])
def test_a_header_without_a_possible_size_is_refused(descr: str, shape: tuple[int, int]) -> None:
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": descr, "fortran_order": False, "shape": shape})
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as target:
        target.writestr("history.npy", header.getvalue() + b"1234")
    with pytest.raises(InvalidInputError, match=r"'history' promises the shape \[-?\d, 3\]"):
        read_sample(buffer, "line 3")


def test_a_header_that_promises_more_than_there_is_takes_none_either() -> None:
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        header, {"descr": "<f4", "fortran_order": False, "shape": (10**9, 2, len(LAT), len(LON))}
    )
    buffer = packed()
    with zipfile.ZipFile(buffer) as whole, zipfile.ZipFile(forged := io.BytesIO(), "w") as target:
        for name in whole.namelist():
            target.writestr(name, header.getvalue() if name == "history.npy" else whole.read(name))
    with pytest.raises(InvalidInputError, match=r"'history' promises the shape \[1000000000, 2, 5, 13\]"):
        read_sample(forged, "line 3")
