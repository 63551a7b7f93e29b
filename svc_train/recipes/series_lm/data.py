"""The training data of `series-lm`: a `segments/v1` export and its series, cut into tracks, split, drawn from.

A track is one channel of one stretch of a series that windows may not leave: a piece of a put-together series, or
all rows before (or after) the time from which a series is held out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from shared.contracts.series import SEGMENTS_FILE, SERIES_FILE, TIME_COLUMN
from shared.errors import InvalidInputError
from svc_train.recipes.base import SeriesSource, TrainingJob
from svc_train.recipes.series_lm.config import SeriesLMConfig

NORMAL = 0
DEFAULT_LABEL = "anomaly"
MAX_LABELS = 64


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Track:
    """Rows of one channel that windows may be drawn from.

    Args:
        series, channel: where the rows come from.
        values: float64 [rows], NaN where missing.
        targets: int16 [rows], 0 for normal rows, else 1 + the index of the row's label.
    """

    series: str
    channel: str
    values: NDArray[np.float64]
    targets: NDArray[np.int16]

    def runs(self) -> list[tuple[int, int]]:
        """[start, end) of each labelled stretch."""
        edges = np.flatnonzero(np.diff(self.targets, prepend=NORMAL, append=NORMAL))
        bounds = zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True)
        return [(start, end) for start, end in bounds if self.targets[start] != NORMAL]


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingData:
    """Tracks to learn from, tracks held out, and the labels that occur."""

    labels: tuple[str, ...]
    train: tuple[Track, ...]
    held_out: tuple[Track, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelledRows:
    """A row of the export, as far as training needs it."""

    start_row: int
    end_row: int
    channel: str
    label: str


def read_data(job: TrainingJob, config: SeriesLMConfig, *, known_labels: tuple[str, ...] = ()) -> TrainingData:
    """Read, check and split the training set.

    Args:
        job: names the files.
        config: says how they are split.
        known_labels: the parent's labels, which stay as they are; empty takes those that occur.

    Raises:
        InvalidInputError: no segments, or a segment that does not fit the series it names or the known labels.
    """
    by_series = _read_segments(job)
    labels = _labels(by_series, known_labels)
    train: list[Track] = []
    held_out: list[Track] = []
    generator = np.random.default_rng([config.seed, 1])
    for source in job.series:
        stretches, held = _split(source, config.eval_fraction, generator)
        tracks = _tracks(source, by_series.get(source.name, ()), labels, stretches)
        train += [track for i, group in enumerate(tracks) if i not in held for track in group]
        held_out += [track for i, group in enumerate(tracks) if i in held for track in group]
    train = train[: config.limit_train or None]
    if not any(track.runs() for track in train):
        raise InvalidInputError.of("training_set", "no labelled segment is left to learn from after the split")
    return TrainingData(labels=labels, train=tuple(train), held_out=tuple(held_out[: config.limit_eval or None]))


def _labels(by_series: Mapping[str, Sequence[LabelledRows]], known: tuple[str, ...]) -> tuple[str, ...]:
    labels = tuple(sorted({s.label for segments in by_series.values() for s in segments}))
    if len(labels) > MAX_LABELS:
        raise InvalidInputError.of("training_set", f"has {len(labels)} different labels; at most {MAX_LABELS} work")
    new = [label for label in labels if label not in known]
    if known and new:
        raise InvalidInputError.of(
            "training_set", f"has the labels {', '.join(new)}, which the parent does not know: {', '.join(known)}"
        )
    return known or labels


def _read_segments(job: TrainingJob) -> dict[str, list[LabelledRows]]:
    table = _read_table(job.training_set.folder / SEGMENTS_FILE, f"training set {job.training_set.name!r}")
    columns = ("series", "series_digest", "start_row", "end_row", "channel", "label")
    absent = [name for name in columns if name not in table.column_names]
    if absent:
        raise InvalidInputError.of("training_set", f"{SEGMENTS_FILE} has no column {', '.join(absent)}")
    digests = {source.name: source.digest for source in job.series}
    by_series: dict[str, list[LabelledRows]] = {}
    for number, row in enumerate(table.select(columns).to_pylist()):
        name = row["series"]
        if digests.get(name) != row["series_digest"]:
            raise InvalidInputError.of(
                f"{SEGMENTS_FILE}:{number + 1}",
                f"speaks of {name!r} ({str(row['series_digest'])[:12]}), which is not here",
            )
        by_series.setdefault(name, []).append(
            LabelledRows(
                start_row=row["start_row"],
                end_row=row["end_row"],
                channel=row["channel"] or "",
                label=row["label"] or DEFAULT_LABEL,
            )
        )
    if not by_series:
        raise InvalidInputError.of(
            "training_set", "holds no segments; approve some candidates and export again, or use the labeler 'inject'"
        )
    return by_series


def _split(
    source: SeriesSource, fraction: float, generator: np.random.Generator
) -> tuple[list[tuple[int, int]], set[int]]:
    """The stretches of a series, and which of them are held out: whole pieces at random, else the latest rows."""
    rows = pq.read_metadata(source.folder / SERIES_FILE).num_rows
    pieces = _pieces(source, rows) or [(0, rows)]
    if len(pieces) > 1:
        count = min(max(round(fraction * len(pieces)), 1), len(pieces) - 1) if fraction else 0
        return pieces, set(generator.permutation(len(pieces))[:count].tolist())
    [(start, end)] = pieces
    cut = end - round(fraction * (end - start))
    return ([(start, end)], set()) if cut == end else ([(start, cut), (cut, end)], {1})


def _pieces(source: SeriesSource, rows: int) -> list[tuple[int, int]]:
    pieces = [(int(start), int(end)) for start, end in source.meta.get("pieces") or ()]
    for start, end in pieces:
        if not 0 <= start < end <= rows:
            raise InvalidInputError.of("training_set", f"piece [{start}, {end}) lies outside {rows} rows")
    return pieces


def _tracks(
    source: SeriesSource,
    segments: Sequence[LabelledRows],
    labels: Sequence[str],
    stretches: Sequence[tuple[int, int]],
) -> list[list[Track]]:
    """For each stretch the tracks of its channels."""
    table = _read_table(source.folder / SERIES_FILE, f"series {source.name!r}")
    channels = [name for name in table.column_names if name != TIME_COLUMN]
    _check_segments(source.name, segments, channels, table.num_rows)
    grouped: list[list[Track]] = [[] for _ in stretches]
    for channel in channels:
        values = _numbers(table[channel], channel, source.name)
        targets = np.zeros(table.num_rows, dtype=np.int16)
        for segment in segments:
            if segment.channel in ("", channel):
                targets[segment.start_row : segment.end_row] = 1 + labels.index(segment.label)
        for group, (start, end) in zip(grouped, stretches, strict=True):
            # Where nothing was measured there is nothing to learn and nothing to be right about.
            if np.isfinite(values[start:end]).any():
                group.append(
                    Track(series=source.name, channel=channel, values=values[start:end], targets=targets[start:end])
                )
    return grouped


def _numbers(column: pa.ChunkedArray, channel: str, series: str) -> NDArray[np.float64]:
    """The values of a column, NaN where they are missing."""
    try:
        return np.asarray(column.cast(pa.float64()).to_numpy(zero_copy_only=False), dtype=np.float64)
    except pa.ArrowException as error:
        raise InvalidInputError.of("training_set", f"channel {channel!r} of {series!r} holds no numbers") from error


def _check_segments(name: str, segments: Sequence[LabelledRows], channels: Sequence[str], rows: int) -> None:
    for segment in segments:
        if not 0 <= segment.start_row < segment.end_row <= rows:
            raise InvalidInputError.of(
                "training_set",
                f"segment [{segment.start_row}, {segment.end_row}) lies outside the {rows} rows of {name!r}",
            )
        if segment.channel and segment.channel not in channels:
            raise InvalidInputError.of(
                "training_set", f"{name!r} has no channel {segment.channel!r}; it has: {', '.join(channels)}"
            )


def _read_table(path: Path, what: str) -> pa.Table:
    try:
        return pq.read_table(path)
    except FileNotFoundError as error:
        raise InvalidInputError.of("training_set", f"the {what} has no file {path.name}") from error
    except pa.ArrowException as error:
        raise InvalidInputError.of("training_set", f"{path.name} of the {what} is no Parquet file: {error}") from error


def counts(data: TrainingData) -> Mapping[str, Any]:
    """Sizes of the split, for the log and the metrics."""
    return {
        "train_rows": sum(len(track.values) for track in data.train),
        "train_segments": sum(len(track.runs()) for track in data.train),
        "held_out_rows": sum(len(track.values) for track in data.held_out),
        "held_out_segments": sum(len(track.runs()) for track in data.held_out),
    }
