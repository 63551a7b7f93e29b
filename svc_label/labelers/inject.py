"""Labeler `inject`: makes a series of pieces of normal data with known distortions in it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from shared.errors import InvalidInputError
from svc_label.domain.segments import segment_of_rows
from svc_label.labelers.base import Labeler, Labeling, MadeSeries, Proposal, SeriesFrame, Times
from svc_label.labelers.pieces import MIN_ROWS, Injected, InjectParameters, Piece, make_pieces


@dataclass(frozen=True, slots=True)
class Inject:
    """The labeler; its proposals are true by construction, so their confidence is 1."""

    name: str = "inject"
    summary: str = "Makes a new series of pieces of normal data with known distortions in it."
    makes_series: bool = True
    parameters: type[InjectParameters] = InjectParameters

    def propose(self, series: SeriesFrame, parameters: InjectParameters) -> Labeling:
        """Make the series, and a proposal for every distortion in it, whose label is the distortion's name.

        Times go on from the first one of the source in steps of its median step.

        Raises:
            InvalidInputError: the source is too short, or no distortion could be made visible in it.
        """
        if series.rows < MIN_ROWS:
            raise InvalidInputError.of("dataset", f"{series.rows} rows; this labeler needs at least {MIN_ROWS}")
        pieces = list(make_pieces(series.values, parameters))
        _check_visible(pieces, parameters)
        ends = np.cumsum([len(piece.values) for piece in pieces]).tolist()
        starts = [0, *ends[:-1]]
        made = SeriesFrame(
            time=_times(series.time, ends[-1]),
            values=np.concatenate([piece.values for piece in pieces]),
            channels=series.channels,
        )
        proposals = tuple(
            _proposal(made, start, distortion)
            for start, piece in zip(starts, pieces, strict=True)
            for distortion in piece.distortions
        )
        ranges = tuple(zip(starts, ends, strict=True))
        return Labeling(proposals=proposals, made=MadeSeries(series=made, pieces=ranges))


def _check_visible(pieces: list[Piece], parameters: InjectParameters) -> None:
    if any(piece.missed for piece in pieces) and not any(piece.distortions for piece in pieces):
        kinds = ", ".join(parameters.kinds)
        raise InvalidInputError.of(
            "parameters.kinds", f"none of [{kinds}] can be seen in this series: it has too few present, moving values"
        )


def _times(source: Times, rows: int) -> Times:
    step = max(int(np.median(np.diff(source))), 1)
    return np.asarray(source[0] + step * np.arange(rows, dtype=np.int64))


def _proposal(made: SeriesFrame, piece_start: int, distortion: Injected) -> Proposal:
    segment = segment_of_rows(
        made.time,
        piece_start + distortion.start,
        piece_start + distortion.end,
        channel=made.channels[distortion.channel],
        label=distortion.kind,
        confidence=1.0,
    )
    return Proposal(segment=segment, score=distortion.change)


LABELER: Labeler[InjectParameters] = Inject()
