"""The golden inputs of the series family, and when two answers to one of them agree."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shared.modeling.series.values import SeriesAnswer, SeriesInput

SEED = 20_261_121


def golden_inputs() -> list[dict[str, Any]]:
    """A beat with a burst in it over several windows, two short channels with a hole, and a constant series."""
    generator = np.random.default_rng(SEED)
    rows = np.arange(1200)
    beat = 80 + 20 * np.sin(rows / 15) + 8 * np.sin(rows / 5 + 1) + generator.normal(0, 0.5, len(rows))
    beat[700:730] += 25 * np.hanning(30)
    short = np.stack([beat[:90] / 100, np.linspace(-3, 3, 90) ** 3], axis=1)
    short[40:47, 0] = np.nan
    return [
        _as_json("beat", ("pressure",), np.round(beat, 3)[:, None]),
        _as_json("short", ("flow", "load"), np.round(short, 5)),
        _as_json("constant", ("level",), np.full((20, 1), 7.5)),
    ]


def parse_golden_input(body: Mapping[str, Any]) -> SeriesInput:
    """The input a certificate holds."""
    columns = [[np.nan if v is None else float(v) for v in body["values"][name]] for name in body["channels"]]
    return SeriesInput(id=body["id"], channels=tuple(body["channels"]), values=np.array(columns).T)


def answer_as_json(answer: SeriesAnswer) -> dict[str, Any]:
    """The answer as a certificate holds it."""
    return {
        "segments": [[s.start_row, s.end_row, s.channel, s.label, s.confidence] for s in answer.segments],
        "scores": [[float(f"{score:.7g}") for score in row] for row in answer.scores.tolist()],
    }


def differences(
    certified: Mapping[str, Any], answered: Mapping[str, Any], *, tolerance: float, threshold: float
) -> list[str]:
    """What differs between two answers.

    The decisions are the segments: each that one answer is sure of must be met by one of the same channel and label
    in the other. Sure means that its confidence is above the threshold by more than the tolerance: within it,
    rounding alone may decide.
    """
    wanted, found = np.array(certified["scores"]), np.array(answered["scores"])
    if wanted.shape != found.shape:
        return [f"scores have the shape {found.shape}, not {wanted.shape}"]
    furthest = float(np.abs(wanted - found).max())
    by_score = [f"a score is off by {furthest:.2g}, tolerated is {tolerance:g}"] if furthest > tolerance else []
    sure = threshold + tolerance
    lost = [f"no {_in_words(s)}" for s in _unmet(certified["segments"], answered["segments"], sure)]
    new = [f"a new {_in_words(s)}" for s in _unmet(answered["segments"], certified["segments"], sure)]
    return by_score + lost + new


def _unmet(segments: Sequence[Sequence[Any]], others: Sequence[Sequence[Any]], sure: float) -> Iterator[Sequence[Any]]:
    for segment in segments:
        start, end, channel, label, confidence = segment
        met = any(o[0] < end and start < o[1] and o[2] == channel and o[3] == label for o in others)
        if confidence > sure and not met:
            yield segment


def _in_words(segment: Sequence[Any]) -> str:
    start, end, channel, label, _ = segment
    return f"{label!r} in rows [{start}, {end}) of {channel!r}"


def _as_json(name: str, channels: tuple[str, ...], values: NDArray[np.float64]) -> dict[str, Any]:
    columns = {
        channel: [None if np.isnan(v) else v for v in column.tolist()]
        for channel, column in zip(channels, values.T, strict=True)
    }
    return {"id": name, "channels": list(channels), "values": columns}
