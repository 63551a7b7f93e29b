"""What is exchanged with the training process."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

from shared.contracts.versions import NO_BASE, BaseVersion, DatasetVersion
from shared.errors import IntegrityError, InvalidInputError
from svc_train.child.job import read_job
from svc_train.domain.child import (
    LONGEST_ETA_S,
    Job,
    ReportedEnd,
    ReportedFailure,
    SeriesOnDisk,
    parse_result,
    read_report,
)
from svc_train.domain.run import Progress, StepNumbers


def test_progress_is_read():
    line = (
        '{"event": "progress", "step": 3, "total_steps": 10, "loss": 0.5, "learning_rate": 0.001,'
        ' "tokens_per_s": 90, "eta_s": 7, "metrics": {"f1": 0.25}}'
    )
    assert read_report(line) == Progress(
        step=3, total_steps=10, loss=0.5, learning_rate=0.001, tokens_per_s=90, eta_s=7, metrics={"f1": 0.25}
    )


def test_numbers_that_no_store_can_hold_do_not_get_in():
    line = '{"event": "progress", "step": 1, "total_steps": 2, "loss": NaN, "eta_s": %s, "metrics": {"f1": NaN}}'
    report = read_report(line % "Infinity")
    assert isinstance(report, Progress)
    assert math.isnan(report.loss)
    assert (report.eta_s, report.metrics) == (0.0, {})
    for eta, read in (("1e300", LONGEST_ETA_S), ("-5", 0.0)):
        report = read_report(line % eta)
        assert isinstance(report, Progress)
        assert report.eta_s == read


def test_the_end_and_a_failure_are_read():
    assert read_report('{"event": "completed"}') == ReportedEnd()
    line = '{"event": "failed", "permanent": true, "cause": "nan_loss", "remedy": "lower it", "detail": "NaN at 3"}'
    assert read_report(line) == ReportedFailure(permanent=True, cause="nan_loss", remedy="lower it", detail="NaN at 3")
    line = (
        '{"event": "failed", "permanent": false, "smaller": true, "cause": "out_of_memory", "detail": "no more",'
        ' "errors": [{"classes": ["MemoryError", "Exception"], "message": "no more"}]}'
    )
    assert read_report(line) == ReportedFailure(
        permanent=False,
        smaller=True,
        cause="out_of_memory",
        remedy="",
        detail="no more",
        errors=("MemoryError: no more",),
    )


def test_the_numbers_of_steps_are_read():
    line = (
        '{"event": "progress", "step": 2, "total_steps": 2, "loss": 0.5,'
        ' "steps": {"step": [1, 2], "loss": [0.75, 0.5], "f1": [null, 0.25], "bad": [NaN, 1]}}'
    )
    report = read_report(line)
    assert isinstance(report, Progress)
    assert report.steps == (
        StepNumbers(step=1, numbers={"loss": 0.75}),
        StepNumbers(step=2, numbers={"loss": 0.5, "f1": 0.25, "bad": 1.0}),
    )
    assert read_report(line.replace("[0.75, 0.5]", "[0.75]")) is None


@pytest.mark.parametrize(
    "line", ["", "hello", "[]", "3", '"event"', "{}", '{"event": "progress"}', '{"event": "other"}', '{"event": {}}']
)
def test_anything_else_is_a_line_of_the_log(line):
    assert read_report(line) is None


def test_the_job_reads_as_the_contract_says():
    job = Job(
        run_id="r",
        attempt=2,
        recipe="series-lm",
        hyperparameters={"max_steps": 3},
        base=BaseVersion(name="tiny-qwen", digest="b"),
        base_folder=Path("/bases/b"),
        dataset=DatasetVersion(name="labels", digest="d", version=3),
        dataset_folder=Path("/job/training_set"),
        dataset_meta={"rows": 7},
        series=(SeriesOnDisk(name="pump", digest="s", folder=Path("/job/series/0"), meta={"rows": 5}),),
        output_folder=Path("/job/output"),
    )
    assert job.to_json() == {
        "run_id": "r",
        "attempt": 2,
        "recipe": "series-lm",
        "hyperparameters": {"max_steps": 3},
        "base": {"name": "tiny-qwen", "digest": "b", "dir": "/bases/b"},
        "training_set": {"name": "labels", "digest": "d", "dir": "/job/training_set", "meta": {"rows": 7}},
        "series": [{"name": "pump", "digest": "s", "dir": "/job/series/0", "meta": {"rows": 5}}],
        "output_dir": "/job/output",
        "parent": None,
        "checkpoints_dir": "",
        "resume_from": "",
    }


def test_a_result_is_read_and_a_broken_one_refused():
    body = {"family": "series", "metrics": {"f1": 0.5, "bad": math.nan}, "total_steps": 3, "tokens": 9, "device": "cpu"}
    result = parse_result(json.dumps(body).encode())
    assert (result.family, result.metrics, result.versions) == ("series", {"f1": 0.5}, {})
    for broken in (b"", b"[]", b"{}", json.dumps({**body, "metrics": 3}).encode()):
        with pytest.raises(IntegrityError, match=r"result\.json that is not readable"):
            parse_result(broken)


def test_a_job_without_a_base_reads_as_it_was_written(tmp_path: Path):
    job = Job(
        run_id="r",
        attempt=1,
        recipe="forecaster",
        hyperparameters={},
        base=NO_BASE,
        base_folder=None,
        dataset=DatasetVersion(name="ocean", digest="d", version=1),
        dataset_folder=tmp_path / "training_set",
        dataset_meta={"channels": 3},
        series=(),
        output_folder=tmp_path / "output",
    )
    (tmp_path / "job.json").write_text(json.dumps(job.to_json()))
    training = read_job(tmp_path).training
    assert (training.base, training.training_set.meta) == (None, {"channels": 3})
    with pytest.raises(InvalidInputError, match="base: is missing"):
        _ = training.needed_base
