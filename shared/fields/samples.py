"""One sample of `chat/v1` with features: the months a question speaks of and those that follow, as an `.npz`.

Reading one is safe whoever made it: no pickle is loaded, and sizes are checked before memory is taken.
"""

# ruff: noqa: N815 - names end in their shape, in capitals

from __future__ import annotations

import lzma
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from shared.errors import InvalidInputError
from shared.fields.bases import check_bases
from shared.fields.months import is_month, month_from_text, out_of_order
from shared.fields.plausible import implausible

MAX_SAMPLE_BYTES = 256 * 2**20
# Of the degrees of an axis.
WITHIN = {"lat": (-90, 90), "lon": (0, 360)}
NEEDED = ("history", "channels", "lat", "lon", "months")
KNOWN = (*NEEDED, "future", "facts", "bases")
# What zipfile raises for what is damaged, encrypted or packed in a way it does not know.
UNREADABLE = (
    zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, OSError, NotImplementedError, RuntimeError
)  # fmt: skip
# A fixed width: equal samples have equal bytes.
TEXT = "<U16"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FieldSample:
    """Months of anomalies on one grid.

    Args:
        channels: names of the fields, e.g. `sst`, `taux`, `tauy`.
        history_TCYX: float32, the months that are shown, oldest first; NaN where nothing is known.
        future_FCYX: float32, the months that follow them; none where there is nothing to forecast.
        lat, lon: degrees of the grid's centres, latitude from south to north, longitude eastward from 0 to 360.
        months: `2009-11` for each month of history, then of future, one after the other.
        bases: what the anomalies of each channel depart from, see `bases.py`; none where it is not known.
        facts: JSON text: which statistic gives which number of the answer (see `answers.py`); empty where none is kept.
    """

    channels: tuple[str, ...]
    history_TCYX: NDArray[np.float32]
    future_FCYX: NDArray[np.float32]
    lat: NDArray[np.float64]
    lon: NDArray[np.float64]
    months: tuple[str, ...]
    facts: str = ""
    bases: tuple[str, ...] = ()

    @property
    def history(self) -> int:
        """Months that are shown."""
        return len(self.history_TCYX)

    @property
    def grid(self) -> tuple[tuple[str, ...], tuple[float, ...], tuple[float, ...]]:
        """What two samples must have in common to be read by one network: channels, latitudes, longitudes."""
        return self.channels, tuple(self.lat.tolist()), tuple(self.lon.tolist())

    @property
    def all_months_TCYX(self) -> NDArray[np.float32]:  # noqa: N802
        """History, then future."""
        return np.concatenate([self.history_TCYX, self.future_FCYX])


def write_sample(path: Path, sample: FieldSample) -> None:
    """Write the file; equal samples give equal bytes."""
    arrays: dict[str, Any] = {
        "history": sample.history_TCYX.astype(np.float32),
        "future": sample.future_FCYX.astype(np.float32),
        "channels": np.array(sample.channels, dtype=TEXT),
        "lat": sample.lat.astype(np.float64),
        "lon": sample.lon.astype(np.float64),
        "months": np.array(sample.months, dtype=TEXT),
        "facts": np.array(sample.facts),
    }
    if sample.bases:
        arrays["bases"] = np.array(sample.bases, dtype=TEXT)
    np.savez_compressed(path, allow_pickle=False, **arrays)


def read_sample(file: Path | IO[bytes], place: str) -> FieldSample:
    """Read and check a sample.

    Args:
        file: the `.npz`, or its bytes as a file.
        place: what it is, for people: `line 3: features/000003.npz`.

    Raises:
        InvalidInputError: it is no `.npz`, holds pickled or unknown arrays, is too large when unpacked, or its arrays
            do not fit one another or hold no anomalies; the message names the place and the array.
    """
    try:
        with zipfile.ZipFile(file) as packed:
            return _sample(_arrays(packed, place), place)
    except FileNotFoundError:
        raise _wrong(place, "is missing") from None
    except (
        zipfile.BadZipFile,
        zlib.error,
        lzma.LZMAError,
        EOFError,
        OSError,
        NotImplementedError,
        RuntimeError,
    ) as error:
        raise _wrong(place, f"is no .npz file, or a damaged one: {error}") from error


def _arrays(packed: zipfile.ZipFile, place: str) -> dict[str, NDArray[Any]]:
    members = packed.infolist()
    size = sum(member.file_size for member in members)
    if size > MAX_SAMPLE_BYTES:
        raise _wrong(place, f"has {size} bytes when it is unpacked; at most {MAX_SAMPLE_BYTES} (256 MiB) are allowed")
    arrays: dict[str, NDArray[Any]] = {}
    for member in members:
        name = member.filename.removesuffix(".npy")
        if name not in KNOWN or name in arrays:
            raise _wrong(place, f"holds {member.filename!r}; there may be, once each: {', '.join(KNOWN)}")
        with packed.open(member) as opened:
            arrays[name] = _array(opened, member.file_size, name, place)
    absent = [name for name in NEEDED if name not in arrays]
    if absent:
        raise _wrong(place, f"has no array {absent[0]!r}; needed are: {', '.join(NEEDED)}")
    return arrays


def _array(opened: IO[bytes], size: int, name: str, place: str) -> NDArray[Any]:
    """One array, once its header is known to promise no more than the file holds."""
    try:
        version = npy.read_magic(opened)  # type: ignore[no-untyped-call]
        read = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
        shape, is_fortran, dtype = read(opened)  # type: ignore[no-untyped-call]
    except ValueError as error:
        raise _wrong(place, f"{name!r} is no array of numpy: {error}") from error
    if dtype.hasobject:
        raise _wrong(place, f"{name!r} holds pickled objects, which are never loaded; save plain numbers and text")
    wanted = dtype.itemsize
    for length in shape:
        wanted *= length
    if dtype.itemsize == 0 or any(length < 0 for length in shape) or wanted > size:
        raise _wrong(place, f"{name!r} promises the shape {list(shape)}, which its {size} bytes do not hold")
    values = np.frombuffer(opened.read(wanted), dtype=dtype)
    return values.reshape(shape, order="F" if is_fortran else "C")


def _sample(arrays: dict[str, NDArray[Any]], place: str) -> FieldSample:
    for name in ("channels", "months", *({"bases"} & arrays.keys())):
        if arrays[name].ndim != 1 or arrays[name].dtype.kind != "U":
            raise _wrong(place, f"{name!r} is {_shown(arrays[name])}; it is a list of texts")
    for name in ("lat", "lon"):
        _check_axis(arrays[name], name, place)
    channels, months = (tuple(str(one) for one in arrays[name]) for name in ("channels", "months"))
    grid = (len(channels), len(arrays["lat"]), len(arrays["lon"]))
    history = _maps(arrays["history"], "history", grid, place)
    future = _maps(arrays["future"], "future", grid, place) if "future" in arrays else history[:0]
    _check_months(months, len(history), len(future), place)
    if not channels or len(set(channels)) != len(channels):
        raise _wrong(place, f"'channels' are {list(channels)}; at least one, each once")
    bases = tuple(str(one) for one in arrays.get("bases", ()))
    _check_bases(bases, channels, place)
    for name, maps in (("history", history), ("future", future)):
        if reason := implausible(channels, maps):
            raise _wrong(place, f"{name!r}: {reason}")
    return FieldSample(
        channels=channels,
        history_TCYX=history,
        future_FCYX=future,
        lat=arrays["lat"].astype(np.float64),
        lon=arrays["lon"].astype(np.float64),
        months=months,
        facts=str(arrays["facts"]) if "facts" in arrays else "",
        bases=bases,
    )


def _maps(array: NDArray[Any], name: str, grid: tuple[int, int, int], place: str) -> NDArray[np.float32]:
    if array.ndim != 4 or array.shape[1:] != grid or array.dtype.kind != "f":
        wanted = f"float [months, {grid[0]} channels, {grid[1]} latitudes, {grid[2]} longitudes]"
        raise _wrong(place, f"{name!r} is {_shown(array)}; needed is {wanted}, as 'channels', 'lat' and 'lon' say")
    if name == "history" and not len(array):
        raise _wrong(place, "'history' has no month")
    with np.errstate(over="ignore"):
        maps = array.astype(np.float32)
    if np.isinf(maps).any():
        raise _wrong(place, f"{name!r} holds an infinite value; NaN says that nothing is known")
    return maps


def _check_axis(axis: NDArray[Any], name: str, place: str) -> None:
    numbers = axis.ndim == 1 and axis.dtype.kind in "fi" and len(axis) > 0
    if not numbers or not np.isfinite(axis).all() or (np.diff(axis) <= 0).any():
        raise _wrong(place, f"{name!r} is {_shown(axis)}; it is a list of degrees, each larger than the one before")
    low, high = WITHIN[name]
    if axis[0] < low or axis[-1] > high:
        raise _wrong(place, f"{name!r} goes from {axis[0]:g} to {axis[-1]:g}; it lies within {low} to {high}")


def _check_bases(bases: tuple[str, ...], channels: tuple[str, ...], place: str) -> None:
    try:
        check_bases(bases, channels)
    except InvalidInputError as error:
        raise _wrong(place, f"'bases': {error.violations[0].reason}") from None


def _check_months(months: tuple[str, ...], history: int, future: int, place: str) -> None:
    if len(months) != history + future:
        raise _wrong(place, f"'months' names {len(months)}; 'history' has {history} and 'future' {future}")
    odd = [month for month in months if not is_month(month)]
    if odd:
        raise _wrong(place, f"'months' has {odd[0]!r}; write 2009-11")
    if reason := out_of_order([month_from_text("months", month) for month in months]):
        raise _wrong(place, f"'months': {reason}")


def _shown(array: NDArray[Any]) -> str:
    return f"{array.dtype} of the shape {list(array.shape)}"


def _wrong(place: str, reason: str) -> InvalidInputError:
    return InvalidInputError.of("features", f"{place}: {reason}")
