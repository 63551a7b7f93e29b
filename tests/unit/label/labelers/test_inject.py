from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.contracts.parameters import parse_parameters
from shared.errors import InvalidInputError
from svc_label.labelers.base import Floats, Labeling, MadeSeries, SeriesFrame
from svc_label.labelers.distortions import DISTORTIONS, SPIKE_ROWS, Spot
from svc_label.labelers.inject import LABELER
from svc_label.labelers.pieces import MARGIN, MIN_CHANGE, InjectParameters

KINDS = list(DISTORTIONS)


def gait(rows: int = 3000, channels: int = 3, *, step: int = 1) -> SeriesFrame:
    rng = np.random.default_rng(1)
    time = np.arange(rows)
    columns = [np.sin(2 * np.pi * time / (40 + 7 * c)) * (c + 1) + 0.1 * rng.normal(size=rows) for c in range(channels)]
    return SeriesFrame(
        time=1_000 + step * time.astype(np.int64),
        values=np.stack(columns, axis=1),
        channels=tuple(f"axis-{c}" for c in range(channels)),
    )


def made_by(source: SeriesFrame, **values: Any) -> tuple[Labeling, MadeSeries]:
    labeling = LABELER.propose(source, parse_parameters(InjectParameters, values))
    assert labeling.made is not None
    return labeling, labeling.made


def original_of(piece: np.ndarray, source: np.ndarray) -> np.ndarray:
    """The stretch of the source that a piece was cut from: the one that agrees with it in most values."""
    offsets = range(len(source) - len(piece) + 1)
    best = max(offsets, key=lambda o: np.count_nonzero(source[o : o + len(piece)] == piece))
    return source[best : best + len(piece)]


def test_pieces_cover_the_series_and_proposals_lie_within_them() -> None:
    labeling, made = made_by(gait(), rows=20_000)
    assert made.pieces[0][0] == 0
    assert made.pieces[-1][1] == made.series.rows
    assert all(a[1] == b[0] for a, b in zip(made.pieces, made.pieces[1:], strict=False))
    assert all(600 <= end - start <= 1200 for start, end in made.pieces)
    assert 20_000 <= made.series.rows < 21_200
    for proposal in labeling.proposals:
        segment = proposal.segment
        (piece,) = [p for p in made.pieces if p[0] <= segment.start_row < p[1]]
        assert piece[0] + MARGIN <= segment.start_row < segment.end_row <= piece[1] - MARGIN
        assert segment.confidence == 1.0
        assert segment.channel in made.series.channels
        assert segment.label in DISTORTIONS
        assert segment.start_time == made.series.time[segment.start_row]
        assert proposal.score >= MIN_CHANGE


def test_a_piece_differs_from_its_original_where_and_only_where_it_is_said_to() -> None:
    source = gait(channels=2)
    labeling, made = made_by(source, rows=8000, seed=3)
    assert len(labeling.proposals) > 5
    for start, end in made.pieces:
        piece = made.series.values[start:end]
        changed = piece != original_of(piece, source.values)
        told = np.zeros_like(changed)
        for segment in (p.segment for p in labeling.proposals if start <= p.segment.start_row < end):
            column = made.series.channels.index(segment.channel)
            told[segment.start_row - start : segment.end_row - start, column] = True
            assert changed[[segment.start_row - start, segment.end_row - 1 - start], column].all()
        assert not (changed & ~told).any()


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_can_be_asked_for_and_shows(kind: str) -> None:
    source = gait()
    labeling, made = made_by(source, rows=6000, kinds=[kind], distortions_per_piece=[2, 2])
    assert {p.segment.label for p in labeling.proposals} == {kind}
    assert len(labeling.proposals) == 2 * len(made.pieces)
    low, high = SPIKE_ROWS if kind == "spike" else (1, 100)
    assert all(low <= p.segment.end_row - p.segment.start_row <= high for p in labeling.proposals)
    assert {p.segment.channel for p in labeling.proposals} == set(source.channels)


def test_all_kinds_come_up_by_default(bleeding: Any) -> None:
    labeling, made = made_by(bleeding.train)
    assert {p.segment.label for p in labeling.proposals} == set(KINDS)
    counts = [sum(s <= p.segment.start_row < e for p in labeling.proposals) for s, e in made.pieces]
    assert set(counts) == {0, 1, 2, 3}


def test_distortions_do_not_overlap() -> None:
    labeling, _ = made_by(gait(), rows=20_000, distortions_per_piece=[6, 6])
    segments = sorted((p.segment for p in labeling.proposals), key=lambda s: s.start_row)
    assert all(b.start_row - a.end_row >= MARGIN for a, b in itertools.pairwise(segments))


def test_the_seed_decides_everything_and_more_rows_only_add() -> None:
    first, made = made_by(gait(), rows=5000, seed=7)
    again, made_again = made_by(gait(), rows=5000, seed=7)
    longer, made_longer = made_by(gait(), rows=9000, seed=7)
    other, made_other = made_by(gait(), rows=5000, seed=8)
    assert np.array_equal(made.series.values, made_again.series.values)
    assert first.proposals == again.proposals
    assert np.array_equal(made_longer.series.values[: made.series.rows], made.series.values)
    assert longer.proposals[: len(first.proposals)] == first.proposals
    assert other.proposals != first.proposals
    assert made_other.pieces != made.pieces


def test_the_source_is_left_as_it_was() -> None:
    source = gait()
    before = source.values.copy()
    made_by(source, rows=5000, amplitude_jitter=0.1)
    assert np.array_equal(source.values, before)


def test_times_go_on_in_the_median_step() -> None:
    source = gait(step=250)
    irregular = source.time.copy()
    irregular[100:] += 9_999
    _, made = made_by(SeriesFrame(time=irregular, values=source.values, channels=source.channels), rows=2000)
    assert made.series.time[:3].tolist() == [1_000, 1_250, 1_500]
    assert (np.diff(made.series.time) == 250).all()


def test_jitter_stretches_a_piece_around_its_mean() -> None:
    source = gait(channels=1)
    _, plain = made_by(source, rows=3000, distortions_per_piece=[0, 0])
    _, jittered = made_by(source, rows=3000, distortions_per_piece=[0, 0], amplitude_jitter=0.2)
    assert plain.pieces == jittered.pieces
    for start, end in plain.pieces:
        before, after = plain.series.values[start:end], jittered.series.values[start:end]
        factor = after.std() / before.std()
        assert 0.8 <= factor <= 1.2
        assert after == pytest.approx(before.mean() + factor * (before - before.mean()))


def test_a_short_source_is_taken_whole() -> None:
    source = gait(rows=100)
    labeling, made = made_by(source, rows=1000, distortions_per_piece=[1, 1])
    assert all(end - start == 100 for start, end in made.pieces)
    assert len(labeling.proposals) == len(made.pieces) == 10


def test_missing_values_stay_missing_and_are_not_distorted() -> None:
    source = gait(channels=1)
    source.values[::50] = np.nan
    labeling, made = made_by(source, rows=5000)
    assert labeling.proposals
    assert np.isnan(made.series.values).mean() == pytest.approx(0.02, abs=0.002)
    for segment in (p.segment for p in labeling.proposals):
        assert np.isfinite(made.series.values[segment.start_row : segment.end_row]).all()


def test_a_constant_series_takes_the_kinds_that_show_on_it() -> None:
    flat = SeriesFrame(time=np.arange(2000), values=np.full((2000, 1), 0.1), channels=("a",))
    labeling, made = made_by(flat, rows=10_000)
    kinds = {p.segment.label for p in labeling.proposals}
    assert kinds == {"spike", "level_shift", "drift", "noise_burst"}
    assert np.ptp(made.series.values) == pytest.approx(0.04, abs=0.03)  # in tenths of the constant
    with pytest.raises(InvalidInputError, match=r"none of \[reversal, flatline\] can be seen"):
        made_by(flat, rows=10_000, kinds=["reversal", "flatline"])


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"piece_rows": [900, 600]}, "parameters.piece_rows"),
        ({"strength": [2.0, 1.0]}, "parameters.strength"),
        ({"kinds": []}, "parameters.kinds"),
        ({"kinds": ["spikes"]}, "parameters.kinds[0]"),
        ({"rows": 0}, "parameters.rows"),
    ],
)
def test_wrong_parameters_are_named(values: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        parse_parameters(InjectParameters, values)
    assert [v.field for v in caught.value.violations] == [field]


def test_a_source_that_is_too_short_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="63 rows; this labeler needs at least 64"):
        made_by(gait(rows=63))


def spot(strength: float = 1.0, *, source: np.ndarray | None = None, channel: int = 0, seed: int = 0) -> Spot:
    source = np.zeros((10, 1)) if source is None else source
    return Spot(rng=np.random.default_rng(seed), spread=2.0, strength=strength, source=source, channel=channel)


RAMP: Floats = np.arange(5, dtype=np.float64)


def test_the_distortions_by_hand() -> None:
    assert DISTORTIONS["reversal"](RAMP, spot()).tolist() == [4, 3, 2, 1, 0]
    assert DISTORTIONS["flatline"](RAMP + 3, spot()).tolist() == [3] * 5
    assert set(np.abs(DISTORTIONS["level_shift"](RAMP, spot(1.5)) - RAMP)) == {3.0}
    assert set(np.abs(DISTORTIONS["spike"](RAMP, spot(1.5)) - RAMP)) == {5.0}
    assert np.abs(DISTORTIONS["drift"](RAMP, spot()) - RAMP).tolist() == [0, 0.75, 1.5, 2.25, 3]
    assert DISTORTIONS["amplitude"](RAMP, spot(1.0)).tolist() in ([-2, 0, 2, 4, 6], [1, 1.5, 2, 2.5, 3])
    warped = DISTORTIONS["time_warp"](RAMP, spot(1.0))
    assert warped == pytest.approx(4 * np.linspace(0, 1, 5) ** 2) or warped == pytest.approx(
        4 * np.linspace(0, 1, 5) ** 0.5
    )
    source = np.arange(200.0).reshape(10, 20)
    assert np.ptp(np.diff(DISTORTIONS["foreign_segment"](RAMP, spot(source=source)))) == pytest.approx(0, abs=1e-12)


def test_a_noise_burst_is_as_loud_as_its_strength() -> None:
    calm = np.zeros(20_000)
    assert DISTORTIONS["noise_burst"](calm, spot(3.0)).std() == pytest.approx(3.0, rel=0.05)


def test_a_foreign_segment_of_another_channel_takes_on_level_and_spread() -> None:
    rng = np.random.default_rng(0)
    source = np.stack([rng.normal(5, 1, 100), rng.normal(-300, 50, 100)], axis=1)
    stretch = source[20:60, 0]
    for seed in range(10):
        foreign = DISTORTIONS["foreign_segment"](stretch, spot(source=source, seed=seed))
        assert 3 < foreign.mean() < 7
        assert 0.5 < foreign.std() < 1.5


@settings(max_examples=40, deadline=None)
@given(st.sampled_from(KINDS), st.integers(4, 60), st.floats(0.1, 5), st.integers(0, 2**32))
def test_a_distortion_keeps_the_length_and_leaves_its_input_alone(
    kind: str, rows: int, strength: float, seed: int
) -> None:
    source = np.random.default_rng(seed).normal(size=(100, 2))
    stretch = source[20 : 20 + rows, 1]
    before = source.copy()
    after = DISTORTIONS[kind](stretch, spot(strength, source=source, channel=1, seed=seed))
    assert after.shape == stretch.shape
    assert np.isfinite(after).all()
    assert np.array_equal(source, before)
    assert not np.shares_memory(after, source)
