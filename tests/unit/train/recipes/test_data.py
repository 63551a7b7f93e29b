from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from shared.errors import InvalidInputError
from svc_train.recipes.hyperparameters import resolved
from svc_train.recipes.series_lm.config import SeriesLMConfig, tiny
from svc_train.recipes.series_lm.data import counts, read_data
from svc_train.recipes.series_lm.sampling import WindowSampler
from tests.modeling.jobs import job

NOWHERE = Path("/nowhere")


def _config(**changes) -> SeriesLMConfig:
    return SeriesLMConfig(**{**resolved(tiny()), **changes})


def _job(folder: Path, segments, *, columns=None, meta=None):
    columns = columns or {"a": np.arange(400.0), "b": -np.arange(400.0)}
    return job(folder, base=NOWHERE, columns=columns, segments=segments, meta=meta)


def test_segments_become_targets_of_their_channel_or_of_all(tmp_path: Path):
    data = read_data(
        _job(
            tmp_path,
            [
                {"start_row": 10, "end_row": 20, "label": "spike"},
                {"start_row": 50, "end_row": 60, "label": "drift", "channel": "b"},
            ],
        ),
        _config(eval_fraction=0),
    )
    assert data.labels == ("drift", "spike")
    assert data.held_out == ()
    a, b = data.train
    assert (a.channel, a.runs()) == ("a", [(10, 20)])
    assert (b.channel, b.runs()) == ("b", [(10, 20), (50, 60)])
    assert set(b.targets[50:60]) == {1}
    assert set(a.targets[10:20]) == {2}


def test_neighbouring_segments_of_unequal_labels_stay_two(tmp_path: Path):
    segments = [
        {"start_row": 10, "end_row": 20, "label": "spike"},
        {"start_row": 20, "end_row": 30, "label": "drift"},
    ]
    data = read_data(_job(tmp_path, segments), _config(eval_fraction=0))
    assert data.train[0].runs() == [(10, 20), (20, 30)]


def test_without_pieces_the_latest_rows_are_held_out(tmp_path: Path):
    data = read_data(_job(tmp_path, [{"start_row": 10, "end_row": 20}]), _config(eval_fraction=0.25))
    assert [len(track.values) for track in data.train] == [300, 300]
    assert [track.values[0] for track in data.held_out] == [300, -300]
    assert counts(data) == {
        "train_rows": 600,
        "train_segments": 2,
        "held_out_rows": 200,
        "held_out_segments": 0,
    }


def test_with_pieces_whole_pieces_are_held_out(tmp_path: Path):
    pieces = [[i * 40, (i + 1) * 40] for i in range(10)]
    segments = [{"start_row": i * 40 + 5, "end_row": i * 40 + 9} for i in range(10)]
    made = _job(tmp_path, segments, meta={"pieces": pieces})
    data = read_data(made, _config(eval_fraction=0.3))
    held = sorted(int(track.values[0]) for track in data.held_out if track.channel == "a")
    kept = sorted(int(track.values[0]) for track in data.train if track.channel == "a")
    assert len(held) == 3
    assert sorted(held + kept) == [start for start, _ in pieces]
    again = read_data(made, _config(eval_fraction=0.3))
    assert [t.values[0] for t in again.held_out] == [t.values[0] for t in data.held_out]
    other = read_data(made, _config(eval_fraction=0.3, seed=5))
    assert [t.values[0] for t in other.held_out] != [t.values[0] for t in data.held_out]


def test_the_only_piece_is_split_in_time(tmp_path: Path):
    made = _job(tmp_path, [{"start_row": 105, "end_row": 109}], meta={"pieces": [[100, 200]]})
    data = read_data(made, _config(eval_fraction=0.25))
    assert [(t.values[0], len(t.values)) for t in data.train if t.channel == "a"] == [(100, 75)]
    assert [(t.values[0], len(t.values)) for t in data.held_out if t.channel == "a"] == [(175, 25)]


def test_rows_between_pieces_are_not_used(tmp_path: Path):
    made = _job(tmp_path, [{"start_row": 5, "end_row": 9}], meta={"pieces": [[0, 100], [200, 300]]})
    data = read_data(made, _config(eval_fraction=0))
    assert sorted(track.values[0] for track in data.train if track.channel == "a") == [0, 200]


def test_limits_keep_the_first_tracks(tmp_path: Path):
    pieces = [[i * 40, (i + 1) * 40] for i in range(10)]
    segments = [{"start_row": i * 40 + 5, "end_row": i * 40 + 9} for i in range(10)]
    made = _job(tmp_path, segments, meta={"pieces": pieces})
    data = read_data(made, _config(eval_fraction=0.5, limit_train=3, limit_eval=2))
    assert (len(data.train), len(data.held_out)) == (3, 2)


def test_no_window_crosses_the_edge_of_a_piece(tmp_path: Path):
    """Every piece holds one value of its own: a window with two values would have crossed."""
    lengths = [30, 200, 64, 65, 41]
    ends = np.cumsum(lengths)
    values = np.repeat(np.arange(5.0), lengths)
    segments = [{"start_row": int(end - 6), "end_row": int(end)} for end in ends]
    made = _job(
        tmp_path,
        segments,
        columns={"a": values},
        meta={"pieces": [[int(e - n), int(e)] for n, e in zip(lengths, ends, strict=True)]},
    )
    config = _config(eval_fraction=0)
    sampler = WindowSampler(read_data(made, config).train, config)
    windows = sampler.draw(500)
    assert {len(np.unique(window.values)) for window in windows} == {1}
    assert {float(window.values[0]) for window in windows} == {0, 1, 2, 3, 4}
    assert {len(window.values) for window in windows} == {30, 64, 41}
    assert all(len(window.values) == len(window.targets) for window in windows)


def test_the_share_of_windows_around_segments_is_what_was_asked_for(tmp_path: Path):
    made = _job(tmp_path, [{"start_row": 200, "end_row": 204, "channel": "a"}])
    for share, low, high in ((0.0, 0.0, 0.25), (1.0, 1.0, 1.0)):
        config = _config(eval_fraction=0, segment_share=share)
        windows = WindowSampler(read_data(made, config).train, config).draw(300)
        labelled = np.mean([window.targets.any() for window in windows])
        assert low <= labelled <= high


def test_turning_a_window_turns_its_targets_too(tmp_path: Path):
    made = _job(tmp_path, [{"start_row": 200, "end_row": 240, "channel": "a"}], columns={"a": np.arange(400.0)})
    config = _config(eval_fraction=0, flip_probability=1.0, segment_share=1.0)
    for window in WindowSampler(read_data(made, config).train, config).draw(20):
        assert (np.diff(window.values) == -1).all()
        assert (window.targets > 0).tolist() == ((window.values >= 200) & (window.values < 240)).tolist()


def test_noise_follows_the_windows_spread_and_keeps_holes(tmp_path: Path):
    values = 1e6 * np.sin(np.arange(400) / 9)
    values[::10] = np.nan
    made = _job(tmp_path, [{"start_row": 200, "end_row": 240}], columns={"a": values})
    plain = _config(eval_fraction=0)
    noisy = _config(eval_fraction=0, noise=0.1)
    tracks = read_data(made, plain).train
    before, after = WindowSampler(tracks, plain).draw(1)[0], WindowSampler(tracks, noisy).draw(1)[0]
    assert (np.isnan(before.values) == np.isnan(after.values)).all()
    change = np.nanstd(after.values - before.values) / np.nanstd(before.values)
    assert 0.05 < change < 0.2


@pytest.mark.parametrize(
    ("segments", "reason"),
    [
        ([], "holds no segments"),
        ([{"start_row": 390, "end_row": 401}], r"segment \[390, 401\) lies outside the 400 rows of 'pump'"),
        ([{"start_row": 20, "end_row": 20}], r"segment \[20, 20\) lies outside"),
        ([{"start_row": 1, "end_row": 2, "channel": "c"}], "'pump' has no channel 'c'; it has: a, b"),
        ([{"start_row": 1, "end_row": 2, "series": "fan"}], r"segments\.parquet:1: speaks of 'fan'"),
        (
            [{"start_row": 1, "end_row": 2, "series_digest": "9" * 64}],
            r"segments\.parquet:1: speaks of 'pump' .999999999999",
        ),
        ([{"start_row": 395, "end_row": 399}], "no labelled segment is left to learn from"),
        ([{"start_row": i, "end_row": i + 1, "label": f"l{i}"} for i in range(65)], "65 different labels"),
    ],
)
def test_a_training_set_that_does_not_fit_is_refused(tmp_path: Path, segments, reason: str):
    with pytest.raises(InvalidInputError, match=reason):
        read_data(_job(tmp_path, segments), _config(eval_fraction=0.1))


def test_a_channel_without_values_is_left_out(tmp_path: Path):
    columns = {"dead": np.full(400, np.nan), "alive": np.arange(400.0)}
    made = _job(tmp_path, [{"start_row": 10, "end_row": 20}], columns=columns)
    data = read_data(made, _config(eval_fraction=0.5))
    assert {track.channel for track in (*data.train, *data.held_out)} == {"alive"}
    with pytest.raises(InvalidInputError, match="no labelled segment is left"):
        read_data(_job(tmp_path, [{"start_row": 10, "end_row": 20, "channel": "dead"}], columns=columns), _config())


def test_pieces_that_do_not_fit_are_refused(tmp_path: Path):
    made = _job(tmp_path, [{"start_row": 1, "end_row": 2}], meta={"pieces": [[0, 200], [200, 401]]})
    with pytest.raises(InvalidInputError, match=r"piece \[200, 401\) lies outside 400 rows"):
        read_data(made, _config())


def test_files_that_are_absent_or_no_parquet_are_refused(tmp_path: Path):
    made = _job(tmp_path, [{"start_row": 1, "end_row": 2}])
    file = made.training_set.folder / "segments.parquet"
    file.write_bytes(b"not parquet")
    with pytest.raises(InvalidInputError, match="no Parquet file"):
        read_data(made, _config())
    file.unlink()
    with pytest.raises(InvalidInputError, match=r"has no file segments\.parquet"):
        read_data(made, _config())
    pq.write_table(pa.table({"series": ["pump"]}), file)
    with pytest.raises(InvalidInputError, match="has no column series_digest, start_row"):
        read_data(made, _config())


def test_text_in_a_channel_is_refused(tmp_path: Path):
    made = _job(tmp_path, [{"start_row": 1, "end_row": 2}])
    pq.write_table(pa.table({"time": [1, 2], "a": ["x", "y"]}), made.series[0].folder / "series.parquet")
    with pytest.raises(InvalidInputError, match="channel 'a' of 'pump' holds no numbers"):
        read_data(made, _config())
