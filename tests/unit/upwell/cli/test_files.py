"""The commands that move, verify and clear away files, against fake services."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from tests.unit.upwell.cli.test_commands import Command
from tests.unit.upwell.fake_files import sha256
from upwell.cli.app import app
from upwell.common.v1 import common_pb2
from upwell.errors import StackError, ToolError
from upwell.registry.v1 import artifact_service_pb2 as pb
from upwell.registry.v1 import registry_service_pb2


@pytest.fixture
def upwell(services):
    return Command(services.environment())


def test_a_model_goes_down_and_up(upwell, services, tmp_path):
    services.artifacts.add("detector", {"bundle.json": b"{}", "weights/w.safetensors": b"w" * 3000})
    result = upwell("models", "pull", "detector@1", str(tmp_path / "泵"))
    assert (result.stdout, result.stderr) == ("detector@1\n", "2.9 KiB\n")
    assert (tmp_path / "泵" / "weights" / "w.safetensors").read_bytes() == b"w" * 3000
    services.registry.produce("labels", 3)
    pushed = upwell("models", "push", str(tmp_path / "泵"), "--model", "copy", "--dataset", "labels@1")
    assert pushed.stdout == "copy@1\n"
    (request,) = services.artifacts.finished
    assert list(request.parents) == [f"dataset/labels/{1:064x}"]
    assert upwell.json("models", "push", str(tmp_path / "泵"), "--model", "copy")["ref"]["name"] == "copy"


def test_a_model_is_shown_with_what_its_bundle_says(upwell, services):
    ref = common_pb2.ModelRef(name="planner", version=1)
    services.registry.models.append(registry_service_pb2.ModelVersion(ref=ref, bundle_digest="ab"))
    spec = {"window": 16.0, "capacity": [40.0, 0.5], "prompt": "{task}\nPlan:", "grid": {"lat": list(range(-9, 10))}}
    bundle = json.dumps({"family": "planner", "spec": spec}).encode()
    services.artifacts.add("planner", {"bundle.json": bundle})
    shown = [line.rstrip().split(maxsplit=2) for line in upwell("models", "show", "planner@1").stdout.splitlines()]
    assert ["family", "planner"] in shown
    assert [words[1:] for words in shown if words[0] == "spec"] == [
        ["capacity", "40, 0.5"],
        ["grid.lat", "-9 to 9 (19)"],
        ["prompt", '"{task}\\nPlan:"'],
        ["window", "16"],
    ]
    services.artifacts.store.objects[sha256(bundle)] = b"{}"
    assert "is damaged in the object store" in upwell("models", "show", "planner@1").stderr


def test_a_dataset_goes_down_and_up(upwell, services, tmp_path):
    services.artifacts.add("pump", {"rows.parquet": b"PAR1"})
    assert upwell("datasets", "pull", "pump", str(tmp_path / "out")).stdout == "pump@1\n"
    facts = tmp_path / "facts.json"
    facts.write_text(json.dumps({"rows": 3, "名": ["温度"]}))
    options = ("--name", "new", "--kind", "series/v1", "--meta", str(facts), "--parent", "source/file:a.csv")
    assert upwell("datasets", "push", str(tmp_path / "out"), *options).stdout == "new@1\n"
    (request,) = services.artifacts.finished
    assert (dict(request.meta)["rows"], list(request.parents)) == (3, ["source/file:a.csv"])
    facts.write_text("[]")
    with pytest.raises(ToolError, match="holds no JSON object"):
        upwell("datasets", "push", str(tmp_path / "out"), *options)


def test_verify_says_what_is_bad_and_ends_with_1(upwell, services):
    services.registry.produce("pump", 3)
    assert upwell("verify", "pump@1").stderr == "1 version, 3 files, 2.0 KiB: none damaged or missing\n"
    services.artifacts.bad = [
        pb.VerifyResponse(reference="pump@1", path="rows", state=pb.FILE_STATE_DAMAGED, sha256="ab" * 32),
        pb.VerifyResponse(reference="pump@2", state=pb.FILE_STATE_MISSING, sha256="cd" * 32),
        pb.VerifyResponse(reference="pump@2", path="large", state=pb.FILE_STATE_UNSPECIFIED),
    ]
    result = upwell("verify", "--all", code=1)
    assert [line.split() for line in result.stdout.splitlines()[1:]] == [
        ["pump@1", "rows", "damaged", "ab" * 6],
        ["pump@2", "(manifest)", "missing", "cd" * 6],
    ]
    assert "2 damaged or missing" in result.stderr
    found = json.loads(upwell("verify", "--all", "--json", code=1).stdout)
    assert [one["state"] for one in found] == ["FILE_STATE_DAMAGED", "FILE_STATE_MISSING"]


def test_verify_asks_for_one_thing(upwell):
    for arguments in ((), ("pump@1", "--all")):
        with pytest.raises(ToolError, match="Name a version, or write --all"):
            upwell("verify", *arguments)
    with pytest.raises(ToolError, match="There is no dataset version, model version or base 'none@1'"):
        upwell("verify", "none@1")


def test_gc_deletes_only_when_told(upwell, services):
    result = upwell("gc")
    assert "abababababab" in result.stdout
    assert "`upwell gc --yes` deletes them" in result.stderr
    assert not services.artifacts.deleted
    assert "Deleted 1 blob, 2.0 KiB." in upwell("gc", "--yes").stderr
    assert services.artifacts.deleted


def test_a_rebuild_needs_a_stack(tmp_path):
    with pytest.raises(StackError, match="There is no Upwell in"):
        CliRunner().invoke(app, ["registry", "rebuild", "--data", str(tmp_path)], catch_exceptions=False)
