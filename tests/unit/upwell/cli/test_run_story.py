"""`upwell runs show|watch|logs|metrics`: what happened in a run, for people and as files."""

from __future__ import annotations

import csv
import io
import math
import os
import signal
import struct
import sys
import threading
import time
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from tests.unit.upwell.cli.test_commands import Command
from upwell.cli.output import clock
from upwell.cli.plot import BLOCKS, curve
from upwell.common.v1 import common_pb2
from upwell.errors import ToolError
from upwell.train.v1 import metrics_pb2


@pytest.fixture
def upwell(services):
    return Command(services.environment())


@pytest.fixture
def numbers(services):
    """Ten steps of a loss, with an evaluation at the last."""
    metrics = [metrics_pb2.StepMetric(step=step, name="loss", value=1 / step, attempt=1) for step in range(1, 11)]
    metrics.insert(9, metrics_pb2.StepMetric(step=10, name="f1", value=0.5, attempt=2))
    for metric in metrics:
        metric.recorded_at.FromSeconds(1_800_000_000 + metric.step)
    services.train.metrics = metrics
    return metrics


def test_a_run_that_failed_shows_its_cause_its_evidence_and_what_was_changed(upwell, services, monkeypatch):
    shown = services.train._run("r2", common_pb2.WORK_STATE_FAILED)
    monkeypatch.setattr(services.train, "_run", lambda *_: shown)
    lines = upwell("runs", "show", "r2").stdout
    for part in ("nan_loss", "loss is nan at step 7", "retried with batch_size  4", "Lower learning_rate."):
        assert part in lines, lines


def test_a_run_that_goes_on_shows_how_its_last_attempt_failed(upwell, services, monkeypatch):
    shown = services.train._run("r1", common_pb2.WORK_STATE_RUNNING)
    shown.last_failure.cause, shown.last_failure.reason = "killed", "It was killed."
    shown.last_failure.evidence.append("oom_kill 1")
    monkeypatch.setattr(services.train, "_run", lambda *_: shown)
    lines = upwell("runs", "show", "r1").stdout
    for part in ("killed", "an attempt failed", "It was killed.", "oom_kill 1"):
        assert part in lines, lines


def test_the_log(upwell):
    assert upwell("runs", "logs", "r1").stdout.splitlines() == ["line 1", "line 2", "line 3"]
    assert upwell("runs", "logs", "r1", "--tail", "2").stdout.splitlines() == ["line 2", "line 3"]


def test_the_log_is_followed_without_repeating_a_line(upwell, services):
    result = upwell("runs", "logs", "r1", "--follow", "--tail", "1")
    assert result.stdout.splitlines() == ["line 3"]
    assert result.stderr == "run r1 completed\n"
    assert services.train.told_after == [0, 50]


def test_watching_tells_what_is_left(upwell, services):
    assert "step 2 of 3  loss 0.0000  0 tokens/s  eta 0:00" in upwell("runs", "watch", "r1").stderr


def test_who_watches_a_run_that_is_not_recorded_yet_is_told(upwell, services):
    services.train.unknown = 1
    assert upwell("runs", "watch", "r1").stderr.splitlines()[:2] == ["waiting for run r1 to be recorded", "running"]


@pytest.mark.parametrize(
    "command", [("runs", "watch", "r1"), ("train", "series-lm", "--dataset", "d@1", "--model", "m", "--watch")]
)
def test_who_stops_watching_is_told_that_the_run_goes_on(upwell, services, command):
    services.train.silences = [1]

    def stop():
        while not services.train.told_after:
            time.sleep(0.02)
        os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=stop)
    thread.start()
    result = upwell(*command, code=130)
    thread.join()
    run_id = services.train.requests[-1].run_id if command[0] == "train" else "r1"
    assert result.stderr.splitlines()[-1] == (
        f"The run goes on: `upwell runs watch {run_id}` follows it, `upwell runs cancel {run_id}` stops it."
    )


def test_numbers_in_short(upwell, numbers):
    lines = upwell("runs", "metrics", "r1").stdout.splitlines()
    assert lines[0].split() == ["name", "steps", "first", "last", "lowest", "highest", "curve"]
    assert lines[2].split()[:6] == ["loss", "10", "1", "0.1", "0.1", "1"]
    assert lines[2].split()[6].startswith("█")
    assert upwell.json("runs", "metrics", "r1", "--name", "f1")[0]["value"] == 0.5
    assert "no such numbers" in upwell("runs", "metrics", "r1", "--name", "nothing").stderr


def test_numbers_as_csv(upwell, numbers, tmp_path: Path):
    rows = list(csv.DictReader(io.StringIO(upwell("runs", "metrics", "r1", "--csv", "-").stdout)))
    assert [int(row["step"]) for row in rows] == list(range(1, 11))
    assert [float(row["loss"]) for row in rows] == [1 / step for step in range(1, 11)]
    assert [row["f1"] for row in rows[-2:]] == ["", "0.5"]
    assert rows[0]["recorded_at"].startswith("2027-01-15T")
    path = tmp_path / "数.csv"
    assert upwell("runs", "metrics", "r1", "--csv", str(path), "--name", "f1").stdout == ""
    assert path.read_text() == "step,attempt,recorded_at,f1\n10,2,2027-01-15T08:00:10Z,0.5\n"


def test_numbers_as_tensorboard_files(upwell, numbers, tmp_path: Path):
    upwell("runs", "metrics", "r1", "--tensorboard", str(tmp_path / "events"))
    (file,) = (tmp_path / "events").iterdir()
    found = [
        (event.step, value.tag, value.simple_value, event.wall_time)
        for event in tensorboard_events(file)
        for value in event.summary.value
    ]
    assert len(found) == 11
    assert found[0] == (1, "loss", 1.0, 1_800_000_001.0)
    assert (10, "f1", 0.5, 1_800_000_010.0) in found
    assert math.isclose(found[1][2], 0.5)


def tensorboard_events(file: Path):
    """Read as TensorBoard reads: length, its checksum, the event, its checksum."""
    from tensorboardX.proto.event_pb2 import Event

    with file.open("rb") as stream:
        while head := stream.read(12):
            (length,) = struct.unpack("<Q", head[:8])
            yield Event.FromString(stream.read(length))
            stream.read(4)


def test_numbers_as_a_plot(upwell, numbers, tmp_path: Path):
    upwell("runs", "metrics", "r1", "--plot", str(tmp_path / "curves.svg"))
    assert ET.parse(tmp_path / "curves.svg").getroot().tag.endswith("svg")
    upwell("runs", "metrics", "r1", "--plot", str(tmp_path / "curves.png"))
    assert (tmp_path / "curves.png").read_bytes().startswith(b"\x89PNG")
    with pytest.raises(ToolError, match=r"\.png or \.svg"):
        upwell("runs", "metrics", "r1", "--plot", "curves.pdf")
    with pytest.raises(ToolError, match="nothing to draw"):
        upwell("runs", "metrics", "r1", "--name", "nothing", "--plot", "curves.svg")


@pytest.mark.parametrize(("option", "library"), [("--tensorboard", "tensorboardX"), ("--plot", "matplotlib.figure")])
def test_a_library_that_is_missing_is_named_with_what_brings_it(upwell, numbers, monkeypatch, option, library):
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(ToolError, match=r"pip install 'upwell\[plots\]'"):
        upwell("runs", "metrics", "r1", option, "x.svg")


def test_curves_are_drawn_from_means_of_finite_values():
    assert curve([]) == ""
    assert curve([2.0]) == BLOCKS[4]
    assert curve([1.0, 2.0]) == "▁█"
    assert curve([0.0, 2.0, 10.0, 10.0], width=2) == "▁█"
    assert curve([1.0, math.nan, 2.0]) == "▁ █"
    assert curve([math.inf]) == " "
    assert len(curve([float(number) for number in range(1000)], width=24)) == 24


@pytest.mark.parametrize(("seconds", "text"), [(0, "0:00"), (65.4, "1:05"), (3725, "1:02:05"), (90_000, "25:00:00")])
def test_lengths_of_time(seconds, text):
    assert clock(seconds) == text
