"""The commands that ask models, against a fake svc_infer."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys

import grpc
import numpy as np
import pytest
import xarray as xr
from matplotlib.figure import Figure
from typer.testing import CliRunner

from tests.unit.upwell import fake_infer
from upwell.cli.app import app
from upwell.cli.forecast_plume import draw_plume
from upwell.errors import ToolError
from upwell.infer.v1 import forecast_pb2

HEADER = "cpu_cores,memory_gb,gpu_sm,gpu_memory_gb"


@pytest.fixture
def upwell(services):
    def command(*arguments: str, typed: str = "", code: int = 0):
        environment = {**services.environment(), "UPWELL_DATA": ""}
        result = CliRunner().invoke(app, arguments, env=environment, input=typed)
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        assert result.exit_code == code, result.output
        return result

    return command


@pytest.mark.parametrize("option", [(), ("--stream",)])
def test_generate_prints_the_answer_and_says_who_spoke(upwell, services, option):
    result = upwell("generate", "helper", "Warm?", "--system", "Be brief.", "--max-new-tokens", "4", *option)
    assert result.stdout == "It is warm 暖\n"
    assert result.stderr.startswith("helper@4: ")
    (request,) = services.infer.asked
    assert [(turn.role, turn.content) for turn in request.messages] == [("system", "Be brief."), ("user", "Warm?")]
    assert request.max_new_tokens == 4
    assert ("cut off" in result.stderr) == (not option)


def test_generate_reads_stdin_and_prints_json(upwell, services):
    answer = json.loads(upwell("generate", "helper", "-", "--json", typed="均值?").stdout)
    assert (answer["text"], answer["tokens"]) == ("It is warm 暖", 4)
    assert services.infer.asked[0].messages[0].content == "均值?"


@pytest.mark.parametrize(
    ("text", "asked"),
    [("Warmer?", "<geoformer><geoformer>Warmer?"), ("<geoformer> or <geoformer>?", "<geoformer> or <geoformer>?")],
)
def test_attachments_stand_at_their_marks(upwell, services, tmp_path, text, asked):
    for name in ("a", "b"):
        (tmp_path / f"{name}.npz").write_bytes(name.encode())
    upwell("generate", "ocean", text, "--attach", str(tmp_path / "a.npz"), "--attach", str(tmp_path / "b.npz"))
    (request,) = services.infer.asked
    assert request.messages[0].content == asked
    assert [(one.mark, one.npz) for one in request.attachments] == [("<geoformer>", b"a"), ("<geoformer>", b"b")]


def test_an_attachment_that_is_not_there_is_named(upwell):
    with pytest.raises(ToolError, match=r"none\.npz cannot be read"):
        upwell("generate", "ocean", "Warmer?", "--attach", "none.npz")


def test_chat_keeps_the_turns_until_the_input_ends(upwell, services):
    result = upwell("chat", "helper", typed="Warm?\n\nAnd then?\n")
    assert result.stdout == "It is warm 暖\n" * 2
    assert [(turn.role, turn.content) for turn in services.infer.asked[1].messages] == [
        ("user", "Warm?"),
        ("assistant", "It is warm 暖"),
        ("user", "And then?"),
    ]


def test_what_is_attached_to_a_chat_stands_in_its_first_turn(upwell, services, tmp_path):
    path = tmp_path / "a.npz"
    path.write_bytes(b"fields")
    upwell("chat", "ocean", "--system", "Be brief.", "--attach", str(path), typed="Warm?\nAnd then?\n")
    assert [turn.content for turn in services.infer.asked[1].messages] == [
        "Be brief.",
        "<geoformer>Warm?",
        "It is warm 暖",
        "And then?",
    ]
    for request in services.infer.asked:
        assert [(one.mark, one.npz) for one in request.attachments] == [("<geoformer>", b"fields")]


def test_a_chat_goes_on_after_an_empty_answer(upwell, services, monkeypatch):
    monkeypatch.setattr(fake_infer, "WORDS", ["\n"])
    upwell("chat", "helper", typed="Warm?\nAnd then?\n")
    assert [(turn.role, turn.content) for turn in services.infer.asked[1].messages] == [("user", "And then?")]


def test_a_chat_goes_on_after_a_question_that_fails(upwell, services):
    services.infer.refuses_words = {"Hot?": (grpc.StatusCode.RESOURCE_EXHAUSTED, "The queue is full.")}
    result = upwell("chat", "helper", typed="Hot?\nWarm?\nHot?\nAnd then?\n", code=1)
    assert result.stderr.count("error: The queue is full.\n") == 2
    assert result.stdout == "It is warm 暖\n" * 2
    assert [(turn.role, turn.content) for turn in services.infer.asked[-1].messages] == [
        ("user", "Warm?"),
        ("assistant", "It is warm 暖"),
        ("user", "And then?"),
    ]


def test_a_chat_ends_where_there_is_no_such_model(upwell, services):
    services.infer.refuses_words = {"Hot?": (grpc.StatusCode.NOT_FOUND, "There is no model 'helper'")}
    with pytest.raises(ToolError, match="There is no model 'helper'"):
        upwell("chat", "helper", "--system", "Be brief.", typed="Hot?\nWarm?\n")
    assert len(services.infer.asked) == 1
    assert upwell("chat", "helper", typed="Warm?\nHot?\nWarm?\n", code=1).stdout == "It is warm 暖\n" * 2


@pytest.mark.parametrize("typed_before", ["", "Warm?\n"])
def test_ctrl_c_at_the_prompt_of_a_chat_ends_it(services, typed_before):
    ours, its = os.openpty()
    environment = {**os.environ, **services.environment(), "UPWELL_DATA": ""}
    command = [sys.executable, "-m", "upwell.cli", "chat", "helper"]
    chat = subprocess.Popen(command, stdin=its, stdout=its, stderr=its, env=environment, start_new_session=True)
    os.close(its)
    try:
        told = read_until(ours, b"> ")
        if typed_before:
            os.write(ours, typed_before.encode())
            told = read_until(ours, b"tokens\r\n> ")
            assert "It is warm 暖" in told.decode()
        chat.send_signal(signal.SIGINT)
        assert read_until(ours, b"\n") == b"\r\n", "the shell's prompt has a line of its own"
        assert chat.wait(timeout=10) == 130
    finally:
        chat.kill()
        chat.wait()
        os.close(ours)


def read_until(terminal: int, end: bytes) -> bytes:
    """What a program says on a terminal until it says `end`."""
    told = b""
    while end not in told:
        assert select.select([terminal], [], [], 30)[0], told
        told += os.read(terminal, 1000)
    return told


def test_plan_reads_the_state_and_prints_choice_and_runner_up(upwell, services, tmp_path):
    path = tmp_path / "state.csv"
    path.write_text(f"\ufeff{HEADER}\n1,2.5,0,0\n2,3,0,0\n", encoding="utf-8")
    result = upwell("plan", "planner", "分割", "--state", str(path))
    assert [line.split() for line in result.stdout.splitlines()] == [
        ["choice", "runner-up"],
        ["tool", "tool-0", "tool-0"],
        ["config", "40", "41"],
        ["confidence", "0.750", "0.750"],
        ["input_size", "1", "1"],
        ["cpu_cores", "2", "2"],
        ["memory_gb", "4", "4"],
        ["latency_ms", "12.5", "12.5"],
        ["nodes", "1", "1"],
    ]
    assert result.stderr == "planner@4\n"
    (request,) = services.infer.asked
    assert [(use.cpu_cores, use.memory_gb) for use in request.used] == [(1, 2.5), (2, 3)]
    use = dict.fromkeys(HEADER.split(","), 1)
    (tmp_path / "state.json").write_text(json.dumps([use]))
    result = upwell("plan", "planner", "too much", "--state", str(tmp_path / "state.json"))
    assert "nothing fits" in result.stderr
    lines = result.stdout.splitlines()
    assert lines[0].endswith("  runner-up, another job")
    assert lines[1].split() == ["tool", "tool-0", "tool-1"]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("s.csv", f"time,{HEADER}\n2026-11-27T10:00,1,2,3,4\n2026-11-27T10:01,5,6,7,8\n"),
        ("s.csv", f"{HEADER}, time\n1, 2, 3, 4, 0\n5, 6, 7, 8, 1\n"),
        (
            "s.json",
            json.dumps([{"time": n, **dict(zip(HEADER.split(","), range(n, n + 4), strict=True))} for n in (1, 5)]),
        ),
    ],
)
def test_a_column_with_the_times_is_passed_over(upwell, services, tmp_path, name, content):
    path = tmp_path / name
    path.write_text(content)
    upwell("plan", "planner", "分割", "--state", str(path))
    (request,) = services.infer.asked
    assert [(one.cpu_cores, one.memory_gb, one.gpu_sm, one.gpu_memory_gb) for one in request.used] == [
        (1, 2, 3, 4),
        (5, 6, 7, 8),
    ]


@pytest.mark.parametrize(
    "typed", [f"\ufeff{HEADER}\n1,2,3,4\n", json.dumps([dict(zip(HEADER.split(","), range(1, 5), strict=True))])]
)
def test_a_state_comes_through_standard_input(upwell, services, typed):
    upwell("plan", "planner", "分割", "--state", "-", typed=typed)
    (request,) = services.infer.asked
    assert [(one.cpu_cores, one.memory_gb, one.gpu_sm, one.gpu_memory_gb) for one in request.used] == [(1, 2, 3, 4)]
    with pytest.raises(ToolError, match="standard input, line 2: gpu_memory_gb is None"):
        upwell("plan", "planner", "分割", "--state", "-", typed=f"{HEADER}\n1,2,3\n")


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("s.csv", f"{HEADER}\n", "holds no time"),
        ("s.csv", "cpu_cores,memory_gb\n1,2\n", "line 1 has the columns cpu_cores, memory_gb; needed are"),
        ("s.csv", f"{HEADER}\n1,2,3,4\n".replace(",", ";"), "gpu_memory_gb: separate them by commas."),
        ("s.csv", f"{HEADER}\n1,2,3,4\n".replace(",", "\t"), "gpu_memory_gb: separate them by commas."),
        ("s.csv", f"time,{HEADER}\n0,1,2,3,4,5\n", "line 2 has 6 cells; needed are 5"),
        ("s.csv", f"{HEADER},cpu_cores\n1,2,3,4,5\n", "line 1 has the columns .*; needed are cpu_cores"),
        ("s.csv", f"{HEADER}\n1,2,3,4\n1,2,many,4\n", "line 3: gpu_sm is 'many', which is no number"),
        ("s.csv", f"{HEADER}\n1,2,3\n", "line 2: gpu_memory_gb is None, which is no number"),
        ("s.csv", f"{HEADER}\n1,2,3,-4\n", "line 2: gpu_memory_gb is -4; write a finite number from 0 up"),
        ("s.csv", f"{HEADER}\n1,2,3,4\n1,2,3,4,5\n", "line 3 has 5 cells; needed are 4"),
        ("s.csv", f"{HEADER}\n1,2,3," + "4" * 200_000, "line 2 cannot be read: field larger than field limit"),
        ("s.json", json.dumps([dict.fromkeys(HEADER.split(","), 10**400)]), "which is no number"),
        ("s.json", "{}", "is no list of objects"),
        ("s.json", "[", "is no JSON"),
        ("s.json", '[{"cpu_cores": 1}]', "time 1 has the columns cpu_cores; needed are"),
    ],
)
def test_a_wrong_state_is_told_by_line(upwell, tmp_path, name, content, said):
    path = tmp_path / name
    path.write_text(content)
    with pytest.raises(ToolError, match=said):
        upwell("plan", "planner", "x", "--state", str(path))


def test_forecast_prints_the_indices_by_lead(upwell, services):
    result = upwell("forecast", "ocean", "--dataset", "sst@1", "--from", "2009-06", "--leads", "2")
    assert [line.split() for line in result.stdout.splitlines()] == [
        ["lead", "month", "nino34"],
        ["1", "2009-07", "+0.50"],
        ["2", "2009-08", "+1.50"],
    ]
    assert result.stderr == (
        "ocean@4 went on from 2 months of sst@1@1 up to 2009-06; "
        "anomalies are from the usual year of 1982-01 to 2010-12\n"
    )
    (request,) = services.infer.asked
    assert (request.dataset.dataset, request.dataset.last_month, request.leads) == ("sst@1", "2009-06", 2)
    answer = json.loads(upwell("forecast", "ocean", "--dataset", "sst", "--json").stdout)
    assert answer["fields"]["channels"] == ["sst", "taux"]


def test_a_forecast_is_saved_as_netcdf(upwell, tmp_path):
    path = tmp_path / "forecast.nc"
    result = upwell("forecast", "ocean", "--dataset", "sst", "--output", str(path))
    assert f"Written: {path}" in result.stderr
    with xr.open_dataset(path) as saved:
        assert saved.attrs["model"] == "ocean@4"
        assert saved["time"].dt.strftime("%Y-%m").values.tolist() == ["2009-07", "2009-08", "2009-09"]
        np.testing.assert_array_equal(saved["sst"][1], np.array([[np.nan, 1, 2], [-3, 4, 5]], dtype=np.float32))
        assert saved["sst"].attrs["units"] == "degC"
        assert saved["sst"].attrs["base_period"] == "1982-01/2010-12"
        assert saved["taux"].dims == ("time", "lat", "lon")
        np.testing.assert_array_equal(saved["nino34"], [0.5, 1.5, 2.5])
        np.testing.assert_array_equal(saved["nino34_rmse"], [0.25] * 3)


def test_a_forecast_is_saved_as_arrays(upwell, tmp_path):
    path = tmp_path / "预报.npz"
    upwell("forecast", "ocean", "--dataset", "sst", "-o", str(path), "--json")
    with np.load(path, allow_pickle=False) as saved:
        assert saved["values"].shape == (3, 2, 2, 3)
        np.testing.assert_array_equal(saved["values"][0, 0], np.array([[np.nan, 1, 2], [-3, 4, 5]], dtype=np.float32))
        assert saved["months"].tolist() == ["2009-07", "2009-08", "2009-09"]
        assert saved["units"].tolist() == ["degC", "N m-2"]


def test_a_forecast_that_cannot_be_saved_is_told_by_file(upwell, services, tmp_path):
    with pytest.raises(ToolError, match=r"forecast\.csv has no known ending: use one of \.nc, \.npz"):
        upwell("forecast", "ocean", "--dataset", "sst", "--output", "forecast.csv")
    assert services.infer.asked == []
    for name in ("no/forecast.nc", "no/forecast.npz"):
        with pytest.raises(ToolError, match=f"{name} cannot be written: "):
            upwell("forecast", "ocean", "--dataset", "sst", "--output", str(tmp_path / name))


def test_a_forecast_is_drawn(upwell, tmp_path):
    path = tmp_path / "forecast.svg"
    result = upwell("plot", "forecast", "ocean", "--dataset", "sst", "--channel", "taux", "-o", str(path))
    assert result.stdout == f"{path}\n"
    drawn = path.read_text()
    for text in (
        "ocean@4 from 2009-06 of sst@1", "2009-09 (+3)", "taux anomaly (N m⁻²)", "Nino3.4 anomaly (°C)", "what was",
        "what came", "± RMSE of such", "cold: ± 0.5 °C", "168°W", "1°S",
    ):  # fmt: skip
        assert text in drawn
    upwell("plot", "forecast", "ocean", "--dataset", "sst", "-o", str(path))
    assert "from the usual year of 1982-01 to 2010-12" in path.read_text()
    with pytest.raises(ToolError, match="no index 'nino5'; it has: nino34"):
        upwell("plot", "forecast", "ocean", "--dataset", "sst", "--index", "nino5", "-o", str(path))
    with pytest.raises(ToolError, match="no field 'ssh'; it has: sst, taux"):
        upwell("plot", "forecast", "ocean", "--dataset", "sst", "--channel", "ssh", "-o", str(path))
    with pytest.raises(ToolError, match="no known ending"):
        upwell("plot", "forecast", "ocean", "--dataset", "sst", "-o", "forecast.gif")


@pytest.mark.parametrize(("known", "marked"), [([-0.5, 0.25], [1, 2]), ([], [0, 1])])
def test_what_is_known_is_not_marked_as_forecast(known, marked):
    answer = forecast_pb2.ForecastResponse(fields=forecast_pb2.Fields(months=["2009-07", "2009-08"]))
    answer.nino.add(name="nino34", values=[0.5, 1.0])
    answer.history_nino.add(name="nino34", values=known)
    answer.history_months.extend(["2009-05", "2009-06"][: len(known)])
    axes = Figure().subplots()
    draw_plume(axes, answer, "nino34")
    ahead = next(line for line in axes.lines if line.get_label() == "forecast")
    assert list(ahead.get_ydata()) == [*known[-1:], 0.5, 1.0]
    assert ahead.get_markevery() == marked


def test_ask_prints_a_json_object_a_line(upwell, services):
    result = upwell("ask", "line", '{"x": 2.5}', '{"名": [1, null]}')
    assert [json.loads(line) for line in result.stdout.splitlines()] == [{"x": 2.5}, {"名": [1, None]}]
    assert result.stderr == "line@4\n"


def test_ask_prints_whole_numbers_as_such(upwell):
    given = '{"config_id": 17, "parts": [1, {"x": -2}], "share": 0.5, "far": 1e300}'
    for option in ((), ("--json",)):
        printed = upwell("ask", "line", given, *option).stdout
        assert ".0" not in printed
        assert '"config_id": 17' in printed
    assert json.loads(printed)["answers"] == [json.loads(given)]


@pytest.mark.parametrize(("text", "said"), [("{x}", "Input 1 is no JSON"), ("[1]", "Input 1 is no JSON object")])
def test_what_is_no_json_object_is_not_asked(upwell, text, said):
    with pytest.raises(ToolError, match=said):
        upwell("ask", "line", text)


@pytest.fixture
def questions(tmp_path):
    """A question to each kind of model."""
    (tmp_path / "new.csv").write_text("index,v\n0,1\n1,2\n")
    (tmp_path / "state.csv").write_text(f"{HEADER}\n1,2.5,0,0\n")
    return [
        ("predict", "m", "--input", str(tmp_path / "new.csv")),
        ("generate", "m", "Warm?"),
        ("generate", "m", "Warm?", "--stream"),
        ("chat", "m"),
        ("plan", "m", "分割", "--state", str(tmp_path / "state.csv")),
        ("forecast", "m", "--dataset", "sst"),
        ("plot", "forecast", "m", "--dataset", "sst", "-o", str(tmp_path / "f.svg")),
        ("ask", "m", "{}"),
    ]


def test_the_servers_limit_holds_unless_the_caller_allows_less(upwell, services, questions):
    for question in questions:
        upwell(*question, typed="Warm?\n")
        upwell(*question, "--timeout", "7.5", typed="Warm?\n")
    assert len(services.infer.remaining_s) == 2 * len(questions)
    # A deadline is rounded up on its way.
    assert all(500 < remaining_s < 601 for remaining_s in services.infer.remaining_s[::2])
    assert all(0 < remaining_s < 8 for remaining_s in services.infer.remaining_s[1::2])


def test_a_deadline_that_passes_says_what_to_do(upwell, services):
    services.infer.thinks_s = 0.5
    for option in ((), ("--stream",)):
        with pytest.raises(
            ToolError, match=r"svc_infer at .* did not answer within 0\.1 s\. Allow it longer \(`--timeout`"
        ):
            upwell("generate", "helper", "Warm?", "--timeout", "0.1", *option)


def test_a_limit_of_the_server_is_told_in_its_own_words(upwell, services):
    services.infer.refuses = "UPWELL_PREDICT_SECONDS of svc_infer"
    with pytest.raises(ToolError, match=r"^UPWELL_PREDICT_SECONDS of svc_infer$"):
        upwell("generate", "helper", "Warm?")
