"""Each command against fake services: what it prints for people and for programs, and how it fails."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
import zipfile

import pytest
from typer.testing import CliRunner

from upwell.cli import main
from upwell.cli.app import app
from upwell.common.v1 import common_pb2
from upwell.errors import SilenceError, ToolError, UpwellClientError
from upwell.label.v1 import label_service_pb2


class Command:
    """Runs `upwell ...` as a user who has exported the services' addresses."""

    def __init__(self, environment: dict[str, str]) -> None:
        self.environment = {**environment, "UPWELL_DATA": ""}

    def __call__(self, *arguments: str, code: int = 0):
        result = CliRunner().invoke(app, arguments, env=self.environment)
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        assert result.exit_code == code, result.output
        return result

    def json(self, *arguments: str):
        return json.loads(self(*arguments, "--json").stdout)


@pytest.fixture
def upwell(services):
    return Command(services.environment())


def test_ingest_prints_the_version(upwell, services, tmp_path):
    path = tmp_path / "压力.csv"
    path.write_text("t,v\n1,2\n2,3\n")
    services.registry.slowness = 2
    result = upwell("ingest", "csv", str(path), "--name", "泵", "--time-format", "index", "--channel", "v")
    assert result.stdout == "泵@1\n"
    assert result.stderr == "2 rows\n"
    (header,) = services.ingest.headers
    assert (header.source, header.options.time_format, list(header.options.channels)) == ("csv", "index", ["v"])
    assert upwell.json("ingest", "csv", str(path), "--name", "泵", "-p", "base_start=1982")["ref"]["version"] == 2
    assert dict(services.ingest.headers[-1].parameters) == {"base_start": 1982}


def test_ingest_says_what_the_service_says(upwell, tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("t,v\n1,2\n")
    with pytest.raises(UpwellClientError, match="line 2: bad"):
        upwell("ingest", "csv", str(path), "--name", "a", "--time-format", "nonsense")
    with pytest.raises(ToolError, match="cannot be read"):
        upwell("ingest", "parquet", "nothing.parquet", "--name", "a")


def test_datasets(upwell, services):
    assert upwell("datasets", "list").stderr.startswith("No datasets yet")
    services.registry.produce("pump", 1200)
    assert [line.split()[:3] for line in upwell("datasets", "list").stdout.splitlines()] == [
        ["dataset", "kind", "rows"],
        ["pump@1", "series/v1", "1,200"],
    ]
    assert upwell.json("datasets", "list")[0]["meta"] == {"rows": 1200}
    assert "rows" in upwell("datasets", "show", "pump@1").stdout
    assert upwell("datasets", "preview", "pump", "--buckets", "3").stdout.splitlines()[-1] == "▅▅▅"
    with pytest.raises(UpwellClientError, match="no dataset 'none'"):
        upwell("datasets", "show", "none")


def test_a_preview_of_a_field(upwell, services):
    services.registry.produce("ocean", 4)
    version = services.registry.versions[0]
    version.kind = "field/v1"
    version.meta.update({"start": "1982-01", "end": "1982-04", "channels": [{"name": "sst", "units": "degC"}]})
    lines = upwell("datasets", "preview", "ocean", "--buckets", "3").stdout.splitlines()
    assert lines[:2] == ["4 rows", "1982-01 to 1982-04: sst (degC)"]
    assert lines[2:] == ["压力  (1 .. 2 degC; 1982-01 to 1982-04)", "▅▅▅"]
    part = upwell("datasets", "preview", "ocean", "--start-row", "1", "--end-row", "3").stdout
    assert "1982-02 to 1982-03" in part
    assert upwell.json("datasets", "preview", "ocean")["rows"] == "4"


@pytest.mark.parametrize("kind", ["profile/v1", "plans/v1", "segments/v1"])
def test_a_preview_of_rows(upwell, services, kind):
    services.registry.produce("table", 40)
    services.registry.versions[0].kind = kind
    lines = upwell("datasets", "preview", "table", "--start-row", "7", "--end-row", "9").stdout.splitlines()
    assert [line.split() for line in lines] == [["40", "rows"], ["id", "task"], ["7", "缩放"], ["8", "缩放"]]
    with pytest.raises(ToolError, match=f"table@1 is {kind}, which has no channels"):
        upwell("datasets", "preview", "table", "--channel", "v")
    services.ingest.task = "缩放" * 30
    lines = upwell("datasets", "preview", "table", "--end-row", "1").stdout.splitlines()
    assert lines == ["40 rows", "-- 0", f"task: {services.ingest.task}"]
    assert len(upwell.json("datasets", "preview", "table")["shown"]) == 10


def test_label_waits_for_the_candidates(upwell, services):
    result = upwell("label", "run", "pump", "--labeler", "robust", "--set", "window=7", "--set", "kinds=[1]")
    assert result.stdout == "7\n"
    assert dict(services.label.request.parameters) == {"window": 7, "kinds": [1]}
    assert services.label.asked == 3


def test_a_count_alone_is_for_programs(upwell, services):
    ours, theirs = pty.openpty()
    environment = {**os.environ, **upwell.environment, "TERM": "dumb", "NO_COLOR": "1"}
    command = [sys.executable, "-m", "upwell.cli", "label", "run", "pump", "--labeler", "robust"]
    try:
        ended = subprocess.run(command, env=environment, stdout=theirs, stderr=subprocess.PIPE, check=False, timeout=60)
        os.set_blocking(ours, False)
        with pytest.raises(BlockingIOError):
            os.read(ours, 100)
    finally:
        os.close(ours)
        os.close(theirs)
    assert ended.returncode == 0
    assert ended.stderr.decode().startswith("7 candidates by robust")


def test_label_without_waiting_prints_the_job(upwell, services):
    job_id = upwell("label", "run", "pump", "--labeler", "robust", "--no-wait").stdout.strip()
    assert job_id == services.label.request.job_id
    assert services.label.asked == 1


def test_label_that_fails_says_why(upwell, services):
    services.label.fails = "windows: too long."
    with pytest.raises(ToolError, match="windows: too long"):
        upwell("label", "run", "pump", "--labeler", "robust")


def test_review_list_passes_the_filter_on(upwell, services):
    result = upwell("review", "list", "pump", "--pick", "uncertain", "--limit", "3", "--min-confidence", "0.25")
    assert "c1" in result.stdout
    assert "3:5" in result.stdout
    assert result.stderr == "1 of 9 candidates\n"
    asked = services.label.listed
    assert (asked.pick, asked.limit) == (label_service_pb2.PICK_UNCERTAIN, 3)
    assert asked.filter.min_confidence == 0.25
    assert asked.filter.undecided_only
    assert not asked.filter.HasField("max_confidence")
    assert upwell.json("review", "list")["total_count"] == "9"


def test_review_decides_one_by_one_and_all_of_a_dataset(upwell, services):
    assert upwell("review", "decide", "approve", "c1", "c2", "--reason", "好").stdout == "2 decisions\n"
    assert upwell("review", "decide", "reject", "--dataset", "pump", "--labeler", "robust").stdout == "4 decisions\n"
    assert upwell("review", "decide", "correct", "c1", "--rows", "4:9", "--label", "spike").stdout == "1 decision\n"
    singles, bulk, corrected = services.label.decided
    assert [each.candidate_id for each in singles.decisions] == ["c1", "c2"]
    assert singles.decisions[0].reason == "好"
    assert bulk.bulk.decision == label_service_pb2.DECISION_REJECTED
    assert (bulk.bulk.filter.dataset, bulk.bulk.filter.labeler) == ("pump", "robust")
    assert corrected.decisions[0].corrected == common_pb2.Segment(start_row=4, end_row=9, label="spike")
    assert len({request.batch_id for request in services.label.decided}) == 3


@pytest.mark.parametrize(
    "arguments",
    [
        ["approve"],
        ["approve", "c1", "--dataset", "pump"],
        ["correct", "c1"],
        ["correct", "c1", "c2", "--rows", "1:2"],
        ["correct", "--dataset", "pump"],
        ["approve", "c1", "--rows", "1:2"],
        ["maybe", "c1"],
    ],
)
def test_review_refuses_what_makes_no_sense(upwell, services, arguments):
    upwell("review", "decide", *arguments, code=2)
    assert not services.label.decided


def test_export_prints_the_version(upwell):
    result = upwell("export", "pump", "--output", "labels")
    assert result.stdout == "labels@1\n"
    assert result.stderr == "3 segments, 2 reviews\n"


def test_train_prints_the_run(upwell, services):
    arguments = ["series-lm", "--dataset", "labels", "--model", "detector", "--set", "max_steps=3"]
    run_id = upwell("train", *arguments).stdout.strip()
    (request,) = services.train.requests
    assert request.run_id == run_id
    assert dict(request.hyperparameters) == {"max_steps": 3}


def test_a_run_goes_on_from_a_version(upwell, services):
    upwell("train", "series-lm", "--dataset", "labels", "--model", "detector", "--parent", "detector@3")
    assert services.train.requests[0].parent == "detector@3"


def test_a_stopped_run_is_resumed(upwell, services):
    assert upwell("runs", "resume", "r1").stdout == "r1 queued\n"
    assert upwell.json("runs", "resume", "r2")["run_id"] == "r2"
    assert services.train.resumed == ["r1", "r2"]


CHAIN = """
chain: pump
model: detector
stages:
  - {stage: stage1, recipe: series-lm, dataset: labels@1}
  - {stage: stage2, recipe: series-lm, dataset: labels@2}
"""


def test_a_chain_is_asked_for_at_once_and_resumed_by_the_same_file(upwell, services, tmp_path):
    file = tmp_path / "chain.yaml"
    file.write_text(CHAIN)
    assert "stage2" in upwell("train", "chain", str(file)).stdout
    first, second = services.train.requests
    assert (first.stage, first.parent_run, second.stage, second.parent_run) == ("stage1", "", "stage2", first.run_id)
    assert services.train.resumed == []
    services.train.states[first.run_id] = common_pb2.WORK_STATE_COMPLETED
    services.train.states[second.run_id] = common_pb2.WORK_STATE_FAILED
    runs = upwell.json("train", "chain", str(file))
    assert services.train.resumed == [second.run_id]
    assert [run["run_id"] for run in runs] == [first.run_id, second.run_id]


def test_a_chain_is_followed_stage_after_stage(upwell, tmp_path):
    file = tmp_path / "chain.yaml"
    file.write_text(CHAIN)
    told = upwell("train", "chain", str(file), "--watch").stderr
    assert told.index("stage1: run") < told.index("stage2: run")


def test_a_chain_that_makes_no_sense_asks_for_nothing(upwell, services, tmp_path):
    file = tmp_path / "chain.yaml"
    file.write_text(CHAIN.replace("recipe: series-lm, dataset: labels@2", "dataset: labels@2"))
    with pytest.raises(ToolError, match=r"chain.yaml:6: stages\[1\].recipe: is missing"):
        upwell("train", "chain", str(file))
    assert services.train.requests == []


def test_train_watch_prints_the_version_it_made(upwell):
    result = upwell("train", "series-lm", "--dataset", "labels", "--model", "detector", "--watch")
    assert result.stdout == "detector@1\n"
    assert "step 3 of 3" in result.stderr


def test_train_that_fails_says_why_and_what_to_do(upwell, services):
    services.train.ends_in = common_pb2.WORK_STATE_FAILED
    with pytest.raises(ToolError, match=r"failed\. The loss is not a number\. Lower learning_rate\."):
        upwell("train", "series-lm", "--dataset", "labels", "--model", "detector", "--watch")


def test_runs(upwell):
    assert len(upwell.json("runs", "list")) == 2
    assert [run["run_id"] for run in upwell.json("runs", "list", "--state", "failed")] == ["r2"]
    assert "The loss is not a number" in upwell("runs", "list").stdout
    assert upwell("runs", "watch", "r1").stdout == "r1 completed\n"
    assert "line 2" in upwell("runs", "watch", "r1", "--logs").stderr
    assert "series-lm" in upwell("runs", "show", "r1").stdout


def test_models(upwell, services):
    upwell("train", "series-lm", "--dataset", "labels", "--model", "detector", "--watch")
    assert "detector@1" in upwell("models", "list").stdout
    result = upwell("models", "promote", "detector@1", "--reason", "why not")
    assert result.stdout == "detector:champion -> detector@1\n"
    assert "champion: nothing -> @1" in upwell("models", "show", "detector@1").stderr
    with pytest.raises(ToolError, match="NAME@NUMBER"):
        upwell("models", "promote", "detector")


def test_scores_by_lead_of_a_model_are_shown_as_tables(upwell, services):
    upwell("train", "series-lm", "--dataset", "labels", "--model", "detector", "--watch")
    services.registry.models[-1].metrics.update({"nino34_rmse": 0.3, "nino34_rmse_lead_01": 0.2512})
    shown = [line.split() for line in upwell("models", "show", "detector@1").stdout.splitlines()]
    assert ["metric", "nino34_rmse", "0.3"] in shown
    assert shown[-4:] == [[], ["rmse", "of", "nino34", "by", "lead"], ["lead", "forecaster"], ["1", "0.25"]]


def test_lineage_up_and_down(upwell):
    assert upwell("lineage", "pump@1").stdout.splitlines() == ["dataset pump@1", "└── source file.csv"]
    assert upwell("lineage", "pump@1", "--down").stdout.splitlines()[1] == "└── run 7 (not seen yet)"
    assert upwell.json("lineage", "pump@1")["edges"] == [{"parent": "source/file.csv", "child": "dataset/pump/1"}]


def test_predict(upwell, tmp_path):
    path = tmp_path / "new.csv"
    path.write_text("time,v\n2026-01-01T00:00:00Z,1\n2026-01-01T00:00:01Z,2\n")
    result = upwell("predict", "detector", "--input", str(path))
    assert result.stderr == "detector@4: one segment\n"
    assert "2026-01-01 00:00:01Z" in result.stdout
    answer = upwell.json("predict", "detector", "--input", str(path), "--scores")
    assert answer["answers"][0]["scores"][0]["scores"] == [0.5, 0.5]
    assert answer["model"] == {"name": "detector", "version": 4, "run_id": ""}


def groups():
    yield []
    for command in app.registered_commands:
        yield [command.name or command.callback.__name__]
    for group in app.registered_groups:
        yield [group.name]
        for command in group.typer_instance.registered_commands:
            yield [group.name, command.name or command.callback.__name__]


@pytest.mark.parametrize("command", list(groups()), ids=" ".join)
def test_every_command_has_help_with_an_example(command):
    result = CliRunner().invoke(app, [*command, "--help"])
    assert result.exit_code == 0
    asking = [["predict"], ["generate"], ["chat"], ["plan"], ["forecast"], ["ask"]]
    if len(command) == 2 or command in (["up"], *asking):
        assert f"upwell {' '.join(command)}" in result.stdout


def run_program(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("UPWELL_")}
    command = [sys.executable, "-m", "upwell.cli", *arguments]
    return subprocess.run(command, capture_output=True, text=True, env={**clean, **environment}, check=False)


def test_a_run_that_is_lost_from_sight_has_an_exit_code_of_its_own(monkeypatch, capsys):
    def lost(**_options):
        raise SilenceError("UNAVAILABLE", "Nothing has been heard.")

    monkeypatch.setattr("upwell.cli.app.app", lost)
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 3
    assert capsys.readouterr().err == "error: Nothing has been heard.\n"


def test_an_error_is_one_line_on_stderr(services, tmp_path):
    result = run_program("datasets", "show", "none", **services.environment())
    assert (result.returncode, result.stdout, result.stderr) == (1, "", "error: There is no dataset 'none'\n")
    nowhere = run_program("datasets", "list", "--data", str(tmp_path))
    assert nowhere.returncode == 1
    assert nowhere.stderr.startswith(f"error: There is no Upwell in {tmp_path}: start one with `upwell up`")
    assert nowhere.stderr.count("\n") == 1


def test_wrong_fields_that_the_sentence_leaves_out_stand_below_it(services):
    result = run_program("train", "nope", "--dataset", "d", "--model", "m", **services.environment())
    assert result.stderr.splitlines() == ["error: Two fields are wrong", "  recipe: unknown", "  dataset: unknown"]


def test_status_and_down_where_nothing_runs(tmp_path):
    status = run_program("status", "--json", "--data", str(tmp_path))
    assert status.returncode == 1
    assert json.loads(status.stdout) == {"phase": "stopped", "data": str(tmp_path), "pid": 0, "processes": []}
    down = run_program("down", "--data", str(tmp_path))
    assert (down.returncode, down.stderr) == (0, f"No stack runs in {tmp_path}.\n")


def test_a_profile_is_made_or_packed(upwell, tmp_path):
    made, packed = tmp_path / "grid.zip", tmp_path / "packed.zip"
    result = upwell("profile", "grid", str(made))
    assert (result.stdout, result.stderr) == (f"{made}\n", "1,701 configurations\n")
    with zipfile.ZipFile(made) as archive:
        archive.extractall(tmp_path)
    upwell("profile", "pack", str(tmp_path / "tools.json"), str(tmp_path / "profile.csv"), str(packed))
    assert packed.read_bytes() == made.read_bytes()
    with pytest.raises(ToolError, match=r"nothing\.json: No such file"):
        upwell("profile", "pack", str(tmp_path / "nothing.json"), str(tmp_path / "profile.csv"), str(packed))


def test_a_labeler_that_makes_a_dataset_prints_its_version(upwell, services):
    services.registry.produce("profile", 1)
    result = upwell("label", "run", "profile", "--labeler", "plan-oracle", "-p", "samples=50")
    assert result.stderr.endswith("made by plan-oracle\n")
    assert result.stdout == "profile-plan-oracle@1\n"
