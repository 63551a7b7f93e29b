"""Metadata of a Zarr store, read before any library acts on it."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath
from typing import Any
from zipfile import BadZipFile, ZipFile

from shared.errors import InvalidInputError

# What only changes bytes into bytes. `pickle`, which numcodecs also knows, would run what a stranger wrote.
CODECS = frozenset(
    {
        "adler32",
        "astype",
        "bitround",
        "blosc",
        "bytes",
        "bz2",
        "crc32",
        "crc32c",
        "delta",
        "fixedscaleoffset",
        "fletcher32",
        "gzip",
        "lz4",
        "lzma",
        "packbits",
        "quantize",
        "sharding_indexed",
        "shuffle",
        "transpose",
        "zlib",
        "zstd",
    }
)
MOST_METADATA_BYTES = 4 * 2**20
MOST_CHUNK_BYTES = 2**29


def check_zarr(archive: ZipFile, root: str) -> None:
    """Refuse arrays with unknown codecs, or with chunks that do not fit into memory.

    Raises:
        InvalidInputError: naming the array.
    """
    for path, metadata in _arrays(archive, root):
        unknown = sorted({str(name) for name in _codecs(metadata)} - CODECS)
        if unknown:
            raise InvalidInputError.of("file", f"{path}: codec {unknown[0]!r} is refused; write it with zstd or blosc")
        size = math.prod(_chunk(metadata)) * 8
        if size > MOST_CHUNK_BYTES:
            raise InvalidInputError.of("file", f"{path}: a chunk takes {size} bytes; at most {MOST_CHUNK_BYTES}")


def _arrays(archive: ZipFile, root: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for entry in archive.infolist():
        path = PurePosixPath(entry.filename)
        if path.name not in {"zarr.json", ".zarray"} or not path.is_relative_to(root or "."):
            continue
        if entry.file_size > MOST_METADATA_BYTES:
            raise InvalidInputError.of("file", f"{path}: {entry.file_size} bytes of metadata are too many")
        try:
            metadata = json.loads(archive.read(entry))
        except (BadZipFile, ValueError, RecursionError):
            raise InvalidInputError.of("file", f"{path}: is no JSON; the store is damaged") from None
        if not isinstance(metadata, dict):
            raise InvalidInputError.of("file", f"{path}: is no JSON object; the store is damaged")
        if path.name == ".zarray" or metadata.get("node_type") == "array":
            yield str(path), metadata


def _codecs(value: Any) -> Iterator[Any]:
    """Names of all codecs, also those within others: version 2 has `compressor` and `filters`, version 3 `codecs`."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if key in {"compressor", "filters", "codecs", "index_codecs"}:
                found = inner if isinstance(inner, list) else [inner] if inner else []
                yield from (_name(one) for one in found)
                yield from _codecs(found)
            elif key == "configuration":
                yield from _codecs(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _codecs(inner)


def _name(codec: Any) -> str:
    name = codec.get("name", codec.get("id", "")) if isinstance(codec, dict) else codec
    return str(name).removeprefix("numcodecs.")


def _chunk(metadata: Mapping[str, Any]) -> list[int]:
    grid = metadata.get("chunk_grid", {})
    chunk = metadata.get("chunks") or grid.get("configuration", {}).get("chunk_shape") or []
    return [int(side) for side in chunk if isinstance(side, int)]
