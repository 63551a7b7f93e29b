"""Parquet files, wide or long, with times as timestamps, dates, text, or numbers."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from shared.errors import InvalidInputError
from svc_ingest.domain.columns import Columns, choose_columns
from svc_ingest.domain.options import ReadOptions, TimeFormat
from svc_ingest.domain.times import choose_format, time_kind
from svc_ingest.sources.arrow_times import to_int64
from svc_ingest.sources.base import Reading
from svc_ingest.sources.layouts import reading_of
from svc_ingest.sources.parquet_columns import channel_names, number_fault, time_values, values_of
from svc_ingest.sources.pieces import Piece, Place

BATCH_CELLS = 2**20
MAX_BATCH_ROWS = 2**17
# Column chunks are read through a buffer of this size: one row group may be larger than memory.
BUFFER_BYTES = 2**20
