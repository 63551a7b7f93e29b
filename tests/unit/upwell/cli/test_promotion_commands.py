"""Commands about aliases, gates, keys and versions, against fake services."""

from __future__ import annotations

import stat

import pytest
import typer
from typer.testing import CliRunner

from tests.unit.upwell.cli.test_commands import Command
from upwell.cli.aliases import parse_moment
from upwell.cli.app import app
from upwell.cli.conditions import condition_text, parse_conditions, size_text
from upwell.common.v1 import common_pb2
from upwell.errors import ToolError, UpwellClientError
from upwell.registry.v1 import marks_pb2 as pb
from upwell.registry.v1 import registry_service_pb2
from upwell.signing import is_bundle_signature, public_bytes


@pytest.fixture
def upwell(services):
    return Command(services.environment())


@pytest.mark.parametrize(
    ("text", "comparison", "value", "smaller_is_better"),
    [
        ("f1>=0.6", pb.COMPARISON_AT_LEAST, 0.6, False),
        ("f1 >= -1e-3", pb.COMPARISON_AT_LEAST, -0.001, False),
        ("f1<=3", pb.COMPARISON_AT_MOST, 3, False),
        ("f1>holder", pb.COMPARISON_BETTER_THAN_HOLDER, 0, False),
        ("f1>holder+.5", pb.COMPARISON_BETTER_THAN_HOLDER, 0.5, False),
        ("f1<holder-0.5", pb.COMPARISON_BETTER_THAN_HOLDER, 0.5, True),
        ("f1>=holder", pb.COMPARISON_NOT_WORSE_THAN_HOLDER, 0, False),
        ("f1 >= holder - 0.01", pb.COMPARISON_NOT_WORSE_THAN_HOLDER, 0.01, False),
        ("f1<=holder+0.01", pb.COMPARISON_NOT_WORSE_THAN_HOLDER, 0.01, True),
    ],
)
def test_a_condition_is_read_and_written_alike(text, comparison, value, smaller_is_better):
    (condition,) = parse_conditions([text], "")
    assert condition.metric == "f1"
    assert (condition.comparison, condition.value) == (comparison, value)
    if "holder" in text:
        assert condition.smaller_is_better == smaller_is_better
    assert parse_conditions([condition_text(condition)], "") == [condition]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "f1",
        "f1>0.6",
        "f1<3",
        "f1=3",
        ">=3",
        "f1>=",
        "f1>=x",
        "f1>holder-1",
        "f1<=holder-1",
        "f1>=holder+1",
        "a b>=1",
    ],
)
def test_what_is_no_condition_is_refused_with_the_forms(text):
    with pytest.raises(typer.BadParameter, match=r"write|compare"):
        parse_conditions([text], "")


def test_the_size_belongs_to_every_condition():
    conditions = parse_conditions(["f1>=0.5", "recall>holder"], "评估窗口>=1e2")
    assert [size_text(condition) for condition in conditions] == ["评估窗口>=100"] * 2
    with pytest.raises(typer.BadParameter, match="held_out_rows>=100"):
        parse_conditions(["f1>=0.5"], "eval_windows>100")


def test_gates(upwell, services):
    set_gate = upwell("models", "gate", "set", "泵", "--require", "f1>holder", "--require", "f1>=0.5", "--size", "n>=9")
    assert set_gate.stdout == "泵:champion asks for f1>holder, f1>=0.5\n"
    assert [condition.minimum_size for condition in services.promotion.gates["champion"].conditions] == [9, 9]
    shown = upwell("models", "gate", "show", "泵").stdout
    assert "f1>holder" in shown
    assert "n>=9" in shown
    assert upwell.json("models", "gate", "show", "泵")[0]["conditions"][1]["value"] == 0.5
    assert upwell("models", "gate", "clear", "泵").stdout == "泵:champion has no gate\n"
    assert upwell("models", "gate", "show", "泵").stderr.startswith("No gates:")
    upwell("models", "gate", "set", "泵", code=2)
    upwell("models", "gate", "set", "泵", "--require", "nonsense", code=2)


@pytest.mark.parametrize("command", ["set", "show", "clear"])
def test_the_group_in_the_group_has_help_with_an_example(command):
    result = CliRunner().invoke(app, ["models", "gate", command, "--help"])
    assert f"upwell models gate {command}" in result.stdout


def test_a_refused_promotion_says_why_and_force_moves_it(upwell, services):
    with pytest.raises(UpwellClientError, match=r"at least 0\.6 is asked for"):
        upwell("models", "promote", "detector@13")
    assert upwell("models", "promote", "detector@13", "--force").stdout == "detector:champion -> detector@13\n"
    assert "forced" in upwell("models", "ledger", "detector").stdout


def test_the_ledger_shows_every_kind(upwell, services):
    add = services.registry.moves.append
    move = registry_service_pb2.AliasMove
    add(move(model="d", alias="champion", to_version=1, moved_by="安娜"))
    add(
        move(
            model="d",
            alias="champion",
            from_version=1,
            to_version=2,
            kind=pb.MOVE_KIND_REFUSED,
            reason="试",
            failed_conditions=["f1 is 0.5"],
        )
    )
    add(move(model="d", alias="champion", from_version=1, kind=pb.MOVE_KIND_CLEARED))
    lines = [line.split() for line in upwell("models", "ledger", "d").stdout.splitlines()[1:]]
    assert lines == [
        ["champion", "moved", "nothing", "->", "@1", "安娜"],
        ["champion", "refused", "@1", "-/>", "@2", "试;", "f1", "is", "0.5"],
        ["champion", "cleared", "@1", "->", "nothing"],
    ]
    assert upwell.json("models", "ledger", "d")[1]["failed_conditions"] == ["f1 is 0.5"]
    services.registry.moves.clear()
    assert upwell("models", "ledger", "d").stderr == "No alias of d has ever moved.\n"


def test_serving_then_and_now(upwell, services):
    said = upwell("models", "serving", "d", "--at", "2026-05-01T20:00+08:00").stdout
    assert said == "d@3 since 2026-05-01 11:00:00 UTC, forced by 安娜, deleted later\n"
    assert upwell.json("models", "serving", "d")["model"]["ref"]["version"] == 3
    assert services.promotion.asked_at == ["2026-05-01T12:00:00Z", "now"]


@pytest.mark.parametrize("text", ["2026-05-01", "2026-05-01T12:00:00", "2026-05-01 12:00"])
def test_a_time_without_a_zone_is_refused(text):
    with pytest.raises(ToolError, match="names no zone: write 2026-05-01T12:00:00Z"):
        parse_moment(text)
    with pytest.raises(ToolError, match="is no time"):
        parse_moment("yesterday")


def test_rollback_and_clear(upwell, services):
    assert upwell("models", "rollback", "d", "--reason", "报警太多").stdout == "d:champion -> d@1\n"
    (move,) = services.registry.moves
    assert (move.reason, move.from_version) == ("报警太多", 3), (
        "it says where from, so that a second try is no second move"
    )
    assert upwell("models", "clear", "d", "--alias", "challenger").stdout == "d:challenger -> nothing\n"
    upwell("models", "clear", "d", code=2)


def test_copy_and_delete(upwell, services):
    assert upwell("models", "copy", "d@4", "泵").stdout == "泵@1\n"
    assert upwell("models", "delete", "d@4", "--reason", "旧").stdout == "d@4 is deleted\n"
    assert upwell("datasets", "delete", "pump@3", "--reason", "private").stdout == "pump@3 is deleted\n"
    assert services.versions.deleted == ["model d@4: 旧", "dataset pump@3: private"]
    upwell("models", "delete", "d@4", code=2)
    with pytest.raises(ToolError, match="names no version"):
        upwell("models", "delete", "d:champion", "--reason", "x")


def test_a_key_is_made_once_and_signs(upwell, services, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    made = upwell("keys", "new", "质检")
    name, _, public = made.stdout.strip().partition(":")
    file = tmp_path / "质检.pem"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert "PRIVATE KEY" in file.read_text()
    assert "PRIVATE KEY" not in made.output
    assert upwell("keys", "show", str(file)).stdout == made.stdout
    with pytest.raises(ToolError, match="is there already"):
        upwell("keys", "new", "质检")
    with pytest.raises(ToolError, match="is no name of a key"):
        upwell("keys", "new", "a:b")
    ref = common_pb2.ModelRef(name="d", version=4)
    services.registry.models.append(registry_service_pb2.ModelVersion(ref=ref, bundle_digest="ab" * 32))
    assert upwell("models", "sign", "d@4", "--key", str(file)).stdout == "d@4 is signed by 质检\n"
    (request,) = services.versions.signed
    assert (request.key, request.reference) == (name, "d@4")
    assert is_bundle_signature(public_bytes(public), "ab" * 32, request.signature)
    with pytest.raises(ToolError, match="no key can be read there"):
        upwell("models", "sign", "d@4", "--key", str(tmp_path / "none.pem"))
