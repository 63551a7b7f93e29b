"""The Nino indices of a stored field as a series, for previews."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from shared.contracts.manifest import FileEntry, Manifest
from shared.contracts.series import TIME_UTC
from shared.errors import InvalidInputError
from shared.fields.channels import SST
from shared.fields.nino import nino_indices
from shared.fields.store import open_fields
from svc_ingest.sources.base import series_schema

# Of the temperature as float32, all of which is read.
MOST_BYTES = 2**28
ARRAYS = {"time", "month", "lat", "lon", "land", SST, f"{SST}_climatology"}


def files_of_indices(manifest: Manifest) -> Iterator[FileEntry]:
    """The files that `write_indices` needs: all metadata, and the values of the temperature.

    Raises:
        InvalidInputError: the field holds no temperature or no Nino box, or is too large to be read for a preview.
    """
    meta = manifest.meta
    if SST not in [channel["name"] for channel in meta["channels"]] or not meta["indices"]:
        reason = "a field is previewed by its Nino indices, and this one has no sst in a Nino box"
        raise InvalidInputError.of("manifest_digest", reason)
    size = 4 * int(meta["rows"]) * int(meta["grid"]["lat"][2]) * int(meta["grid"]["lon"][2])
    if size > MOST_BYTES:
        reason = f"the temperature takes {size} bytes; a preview reads at most {MOST_BYTES}: pull the dataset"
        raise InvalidInputError.of("manifest_digest", reason)
    for entry in manifest.files:
        path = PurePosixPath(entry.path)
        if path.name == "zarr.json" or (len(path.parts) > 2 and path.parts[1] in ARRAYS):
            yield entry


def write_indices(folder: Path, target: Path) -> None:
    """Write the indices of the field whose files lie in `folder` as a `series.parquet`, a row a month."""
    fields = open_fields(folder)
    indices = nino_indices(fields.anomalies(SST), fields.lat, fields.lon)
    months = np.array(fields.months, dtype="datetime64[ns]")
    columns = [
        pa.array(months).cast(pa.timestamp("ns", tz="UTC")),
        *(pa.array(values.astype(np.float64), from_pandas=True) for values in indices.values()),
    ]
    pq.write_table(pa.table(columns, schema=series_schema(TIME_UTC, tuple(indices))), target)
