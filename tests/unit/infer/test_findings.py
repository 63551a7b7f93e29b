"""Answers to chunks, put together."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.contracts.series import Segment
from shared.contracts.versions import DatasetVersion
from svc_infer.domain.chunks import Chunk, Reach, Rows, chunks
from svc_infer.domain.findings import Findings
from svc_infer.domain.results import metrics_file, segments_file
from svc_infer.domain.series import Answer, Series
from tests.unit.infer.fakes import FakeModel, version

REACH = Reach(window=8, stride=4)


def found(values: np.ndarray, *, chunk_values: int, model: FakeModel) -> Findings:
    """What a model finds in values [rows, channels], asked chunk by chunk; times are rows and a thousand."""
    names = tuple("abc"[: values.shape[1]])
    piece = Rows(channels=names, times=np.arange(len(values)) + 1000, values=values)
    findings = Findings()
    for chunk in chunks([piece], REACH, values=chunk_values):
        series = Series(id="", channels=names, values=chunk.rows.values, times=chunk.rows.times)
        findings.add(chunk, model.predict([series])[0])
    return findings


@given(
    values=st.lists(st.sampled_from([0.0, 3.0, 7.0, 9.0]), min_size=1, max_size=200),
    chunk_values=st.integers(1, 90),
)
def test_chunks_find_what_the_whole_shows(values, chunk_values):
    column = np.array([values, values[::-1]]).T
    whole = found(column, chunk_values=10_000, model=FakeModel())
    pieced = found(column, chunk_values=chunk_values, model=FakeModel())
    assert pieced.segments == whole.segments
    assert pieced.score_quantiles == whole.score_quantiles
    assert (pieced.rows, pieced.channels) == (len(values), 2)


def test_a_segment_over_a_border_is_one_with_its_highest_confidence():
    values = np.zeros((100, 1))
    values[28:37] = 7.0
    values[34] = 9.0
    model = FakeModel()
    findings = found(values, chunk_values=32, model=model)
    assert len(model.batches) > 2
    [segment] = findings.segments
    assert (segment.start_row, segment.end_row, segment.start_time, segment.end_time) == (28, 37, 1028, 1036)
    assert segment.confidence == pytest.approx(0.9)


def test_a_segment_that_one_side_of_a_border_alone_sees_ends_there():
    findings = Findings()
    rows = Rows(channels=("a",), times=np.arange(8), values=np.zeros((8, 1)))
    scores = np.zeros((8, 1), dtype=np.float32)
    sees = Segment(start_row=2, end_row=6, start_time=2, end_time=5, channel="a", confidence=0.6)
    findings.add(
        Chunk(start_row=0, core_start=0, core_end=4, rows=rows),
        Answer(id="", segments=(sees,), scores=scores, text=""),
    )
    findings.add(
        Chunk(start_row=2, core_start=4, core_end=10, rows=rows), Answer(id="", segments=(), scores=scores, text="")
    )
    assert [(s.start_row, s.end_row, s.end_time) for s in findings.segments] == [(2, 4, 3)]


def test_quantiles_are_those_of_the_measured_values():
    values = np.linspace(0, 10, 1001)[:, None]
    values[::2] = np.nan
    quantiles = found(values, chunk_values=64, model=FakeModel()).score_quantiles
    measured = values[~np.isnan(values)] / 10
    for share, value in quantiles.items():
        assert value == pytest.approx(np.quantile(measured, float(share), method="inverted_cdf"), abs=2e-4)
    assert quantiles["1"] == pytest.approx(0.999, abs=1e-3)


def test_where_nothing_was_measured_there_are_no_quantiles():
    assert found(np.full((20, 1), np.nan), chunk_values=64, model=FakeModel()).score_quantiles == {}


def test_the_files_of_a_result_are_plain_json():
    values = np.zeros((20, 1))
    values[3:5] = 8.0
    findings = found(values, chunk_values=64, model=FakeModel())
    dataset = DatasetVersion(name="泵-7", digest="d" * 64, version=3, kind="series/v1")
    assert json.loads(segments_file(dataset, version(4), findings.segments)) == {
        "dataset": {"name": "泵-7", "digest": "d" * 64, "version": 3},
        "model": {"name": "pump", "version": 4, "run_id": "pump-run-4"},
        "segments": [
            {
                "start_row": 3,
                "end_row": 5,
                "start_time": 1003,
                "end_time": 1004,
                "channel": "a",
                "label": "anomaly",
                "confidence": pytest.approx(0.8),
            }
        ],
    }
    metrics = json.loads(metrics_file(findings, segment_count=1, seconds=1.23456))
    assert metrics == {
        "rows": 20,
        "channels": 1,
        "segment_count": 1,
        "seconds": 1.235,
        "score_quantiles": {"0.5": 0.0, "0.9": 0.0, "0.99": 0.8, "0.999": 0.8, "1": 0.8},
    }
