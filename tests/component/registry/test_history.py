"""HistoryService over real gRPC, through the client and the command."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Awaitable, Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from google.protobuf import json_format
from typer.testing import CliRunner, Result

from tests.component.registry.history_serving import serving
from tests.support.histories import BASE, FIRST, SECOND, entry, good_tree, info, read_tree, write_tree
from tests.unit.upwell.fakes import running_services
from tests.use_cases.registry.history_world import World
from upwell.cli.app import app
from upwell.cli.history_import import import_tree
from upwell.client import Connection, Upwell, UpwellClientError
from upwell.errors import ToolError
from upwell.registry.v1 import history_service_pb2 as pb
from upwell.train.v1 import metrics_pb2


class Running:
    """The service, its callers, and the command as one of them."""

    def __init__(self, world: World, connections: Mapping[str, Connection]) -> None:
        self.world = world
        self.connections = connections

    def __call__(self, *arguments: str, code: int = 0, as_: str = "tom") -> Result:
        connection = self.connections[as_]
        environment = {f"UPWELL_{name.upper()}_ADDRESS": getattr(connection, name) for name in ("registry", "train")}
        result = CliRunner().invoke(app, arguments, env={**environment, "UPWELL_TOKEN": connection.token})
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        assert result.exit_code == code, result.output
        return result

    def ask(self, work: Callable[[Upwell], Awaitable[Any]], *, as_: str = "tom") -> Any:
        async def session() -> Any:
            async with Upwell.connect(self.connections[as_]) as upwell:
                return await work(upwell)

        return asyncio.run(session())


@pytest.fixture
def upwell(tmp_path: Path) -> Iterator[Running]:
    root = tmp_path / "registry"
    root.mkdir()
    world = World(root)
    with running_services() as fakes, serving(world, train=fakes.address) as connections:
        # A loss of 0, which a logarithm cannot show.
        fakes.train.metrics = [metrics_pb2.StepMetric(step=step, name="loss", value=0.0) for step in (1, 2, 3)]
        yield Running(world, connections)
    world.database.dispose()


def chain_of_four() -> dict[str, Any]:
    """text-sft four times, each on another dataset."""
    history = [
        entry(
            f"chat-{n}", 100 * n, metrics={"loss": 3.2 / n}, hyperparams={"learning_rate": 1e-4 / n, "method": "lora"}
        )
        for n in range(1, 5)
    ]
    return {
        f"sft/stage{n}/training_info.json": info(
            "对话-sft", history[:n], stage=f"stage{n}", base_model="Qwen/Qwen3-0.6B"
        )
        for n in range(1, 5)
    }


def test_a_chain_of_four_is_imported_exported_compared_and_drawn(upwell: Running, tmp_path: Path) -> None:
    tree = write_tree(tmp_path / "tree", chain_of_four())
    assert upwell("history", "import", str(tree)).stdout == "4 files: 4 new; 4 new versions\n"
    assert upwell("history", "import", str(tree)).stdout == "4 files: 0 new, 4 unchanged; 0 new versions\n"

    assert upwell("history", "export", str(tmp_path / "out")).stdout == "4 files written, 0 unchanged\n"
    assert read_tree(tmp_path / "out") == chain_of_four()
    again = upwell("history", "import", str(tmp_path / "out"))
    assert again.stdout == "4 files: 0 new, 4 unchanged; 0 new versions\n"

    shown = upwell("history", "对话-sft@4")
    assert [line.split()[:5] for line in shown.stdout.splitlines()[1:]] == [
        [f"对话-sft@{n}", f"stage{n}", f"chat-{n}", f"{100 * n}", f"{total:,}"]
        for n, total in ((1, 100), (2, 300), (3, 600), (4, 1000))
    ]
    assert "Began from Qwen/Qwen3-0.6B" in shown.stderr

    versions = [f"对话-sft@{n}" for n in range(1, 5)]
    compared = json.loads(upwell("models", "compare", *versions, "--json", as_="vera").stdout)
    facts = {fact["name"]: fact["values"] for fact in compared["facts"]}
    assert facts["stage"] == ["stage1", "stage2", "stage3", "stage4"]
    assert facts["steps of the chain"] == [100, 300, 600, 1000]
    assert facts["learning_rate"] == pytest.approx([1e-4, 5e-5, 1e-4 / 3, 2.5e-5])
    assert "method" not in facts
    for ending in ("png", "svg"):
        drawn = tmp_path / f"losses.{ending}"
        assert f"Loss curves are in {drawn}" in upwell("models", "compare", *versions, "--plot", str(drawn)).stderr
    assert (tmp_path / "losses.png").read_bytes().startswith(b"\x89PNG")
    assert all(version in (tmp_path / "losses.svg").read_text() for version in versions)


def test_a_version_prints_its_training_info(upwell: Running, tmp_path: Path) -> None:
    upwell("history", "import", str(write_tree(tmp_path / "tree", good_tree())))
    document = json.loads(upwell("history", "parent-finder@1", "--json", as_="vera").stdout)
    assert document == good_tree()["exp_a/parent_finder_hrds/training_info.json"]
    implied = json.loads(upwell("history", "show", "alone@2", "--json").stdout)
    assert [each["dataset"] for each in implied["training_history"]] == ["x", "y"]
    assert (implied["base_model"], implied["total_steps"]) == (BASE, 11)


def test_all_models_summed_up(upwell: Running, tmp_path: Path) -> None:
    assert upwell("history", "--all").stderr.startswith("No models yet")
    upwell("history", "import", str(write_tree(tmp_path / "tree", good_tree())))
    upwell.world.train("run-1", stage="stage1")
    lines = upwell("history", "--all").stdout.splitlines()
    assert [line.split()[0] for line in lines[1:]] == [
        "alone",
        "detector",
        "features",
        "parent-finder",
        "文档-stage1",
        "文档-stage2",
    ]
    (alone,) = [each for each in json.loads(upwell("history", "--all", "--json").stdout) if each["model"] == "alone"]
    assert (alone["version_count"], alone["total_steps"], alone["datasets"]) == (3, "11", ["x", "y", "z"])


@pytest.mark.parametrize("arguments", [["show"], ["pump@1", "--all"]])
def test_one_version_or_all(upwell: Running, arguments: list[str]) -> None:
    upwell("history", *arguments, code=2)


def test_bad_files_are_told_by_path_and_field_and_good_ones_go_in(upwell: Running, tmp_path: Path) -> None:
    bad = {
        "坏/json/training_info.json": b"{",
        "坏/steps/training_info.json": {**info("x", [FIRST]), "training_history": [{**FIRST, "steps": "ten"}]},
        "坏/nan/training_info.json": b'{"model_name": "x", "training_history": [{"dataset": "d", "steps": NaN}]}',
        "坏/latin/training_info.json": '{"model_name": "é"}'.encode("latin-1"),
        "坏/big/training_info.json": b" " * (2**20 + 1),
    }
    tree = write_tree(tmp_path / "tree", {**bad, **good_tree()})
    (tmp_path / "outside.json").write_text(json.dumps(info("secret", [FIRST])))
    (tree / "link").mkdir()
    (tree / "link/training_info.json").symlink_to(tmp_path / "outside.json")
    os.mkfifo(tree / "坏/training_info.json")
    told = upwell("history", "import", str(tree), code=1)
    assert told.stdout == "12 files: 5 new, 7 refused; 7 new versions\n"
    lines = [line for line in told.stderr.splitlines() if "remark" not in line]
    assert {tuple(line.split(": ")[:2]) for line in lines[:-1]} == {
        ("坏/json/training_info.json", "(file)"),
        ("坏/steps/training_info.json", "training_history[0].steps"),
        ("坏/nan/training_info.json", "training_history[0].steps"),
        ("坏/latin/training_info.json", "(file)"),
        ("坏/big/training_info.json", "(file)"),
        ("link/training_info.json", "(file)"),
        ("坏/training_info.json", "(file)"),
    }
    told_json = json.loads(upwell("history", "import", str(tree), "--json", code=1).stdout)
    assert told_json["new_versions"] == 0
    assert len(told_json["not_sent"]) == 3


def test_two_trees_with_the_same_paths_go_under_folders(upwell: Running, tmp_path: Path) -> None:
    path = "run/training_info.json"
    upwell("history", "import", str(write_tree(tmp_path / "a", {path: info("x", [FIRST])})))
    other = write_tree(tmp_path / "b", {path: info("x", [SECOND])})
    assert "another folder" in upwell("history", "import", str(other), code=1).stderr
    upwell("history", "import", str(other), "--under", "old/")
    upwell("history", "export", str(tmp_path / "out"))
    assert set(read_tree(tmp_path / "out")) == {path, f"old/{path}"}


def test_an_export_writes_over_nothing_else(upwell: Running, tmp_path: Path) -> None:
    tree = write_tree(tmp_path / "tree", {"run/training_info.json": info("x", [FIRST])})
    upwell("history", "import", str(tree))
    assert upwell("history", "export", str(tree)).stdout == "0 files written, 1 unchanged\n"
    (tree / "run/training_info.json").write_text("mine")
    with pytest.raises(ToolError, match="holds something else"):
        upwell("history", "export", str(tree))
    assert upwell("history", "export", str(tree), "--overwrite").stdout == "1 file written, 0 unchanged\n"


def test_checkpoints_at_hand_are_stored_and_others_referred_to(upwell: Running, tmp_path: Path) -> None:
    tree = write_tree(
        tmp_path / "tree",
        {
            "a/training_info.json": info("x", [FIRST], final_checkpoint="final"),
            "a/final/model.safetensors": b"weights",
            "a/final/tokenizer/vocab.txt": b"words",
            "a/final/optimizer.pt": b"pickle",
            "b/training_info.json": info("y", [FIRST, SECOND], final_checkpoint="/nowhere/final"),
            "c/training_info.json": b"{",
        },
    )
    asked: list[tuple[str, list[str]]] = []

    async def store(path: str, files: Mapping[str, Path]) -> str:
        asked.append((path, sorted(files)))
        return upwell.world.artifacts.store(kind="checkpoint/v1", files=files, meta={}, parents=()).digest

    async def work(client: Upwell) -> Any:
        return await import_tree(client, tree, store=store)

    first = upwell.ask(work)
    assert asked == [("a/training_info.json", ["model.safetensors", "tokenizer/vocab.txt"])]
    assert "pickle" in first.checkpoints["a/training_info.json"].left_out["optimizer.pt"]
    assert first.files["a/training_info.json"].outcome == pb.IMPORT_OUTCOME_NEW
    missing = {path: file.checkpoint_missing for path, file in first.files.items()}
    assert missing == {"a/training_info.json": False, "b/training_info.json": True, "c/training_info.json": False}
    assert upwell.ask(work).new_versions == 0
    assert len(asked) == 1
    assert "the weights are stored" in upwell("history", "x@1").stderr
    assert "not stored (/nowhere/final)" in upwell("history", "y@1").stderr


def test_pages_of_an_export_and_of_summaries(upwell: Running) -> None:
    upwell.world.take(good_tree())
    upwell.world.train("run-1")

    async def pages(client: Upwell) -> tuple[list[str], list[str]]:
        paths, models, token = [], [], ""
        while True:
            answer = await client.history._stub.ExportHistories(
                pb.ExportHistoriesRequest(page_size=2, page_token=token), metadata=client.history._caller._metadata
            )
            paths += [file.path for file in answer.files]
            token = answer.next_page_token
            if not token:
                break
        while True:
            listed = await client.history._stub.ListHistories(
                pb.ListHistoriesRequest(page_size=1, page_token=token), metadata=client.history._caller._metadata
            )
            models += [each.model for each in listed.models]
            token = listed.next_page_token
            if not token:
                break
        return paths, models

    paths, models = upwell.ask(pages)
    assert sorted(paths) == sorted([*good_tree(), "detector/1/training_info.json"])
    assert len(models) == 6


@pytest.mark.parametrize(
    ("method", "request_", "field"),
    [
        ("ImportHistories", pb.ImportHistoriesRequest(), "files"),
        ("ImportHistories", pb.ImportHistoriesRequest(files=[pb.HistoryFile(path="a")] * 2), "files"),
        ("ExportHistories", pb.ExportHistoriesRequest(page_size=101), "page_size"),
        ("ExportHistories", pb.ExportHistoriesRequest(page_token="own/x"), "page_token"),
        ("ListHistories", pb.ListHistoriesRequest(page_size=1001), "page_size"),
        ("CompareModels", pb.CompareModelsRequest(models=["x@1"]), "models"),
        ("GetHistory", pb.GetHistoryRequest(model="x@y"), "reference"),
    ],
)
def test_what_makes_no_sense_is_refused_by_field(upwell: Running, method: str, request_: Any, field: str) -> None:
    async def call(client: Upwell) -> Any:
        return await client.history._caller.call(getattr(client.history._stub, method), request_)

    with pytest.raises(UpwellClientError) as caught:
        upwell.ask(call)
    assert (caught.value.code, caught.value.violations[0].field) == ("INVALID_ARGUMENT", field)


def test_a_viewer_reads_and_imports_nothing(upwell: Running, tmp_path: Path) -> None:
    upwell.world.train("run-1")
    assert "detector@1" in upwell("history", "detector@1", as_="vera").stdout
    with pytest.raises(UpwellClientError) as caught:
        upwell("history", "import", str(write_tree(tmp_path / "tree", good_tree())), as_="vera")
    assert caught.value.code == "PERMISSION_DENIED"


def test_a_comparison_for_people(upwell: Running) -> None:
    upwell.world.train("run-1", stage="stage1", hyperparameters={"max_steps": 10, "rank": 8, "method": "lora"})
    upwell.world.train("run-2", stage="stage2", hyperparameters={"max_steps": 10, "rank": 16}, metrics={"f1": 0.75})
    told = upwell("models", "compare", "detector@1", "detector@2")
    rows = {tuple(line.split()[1:2]): line.split()[2:] for line in told.stdout.splitlines()}
    assert rows["rank",] == ["8", "16"]
    assert rows["method",] == ["lora", "-"]
    assert rows["f1",] == ["0.5", "0.75"]
    assert ("max_steps",) not in rows
    assert "more are the same" in told.stderr
    assert "max_steps" in upwell("models", "compare", "detector@1", "detector@2", "--all").stdout


def test_the_curve_of_a_run_of_ours_begins_where_its_chain_stood(upwell: Running, tmp_path: Path) -> None:
    first = upwell.world.train("run-1", total_steps=3)
    upwell.world.train("run-2", parent=first, total_steps=3)
    drawn = tmp_path / "losses.svg"
    told = upwell("models", "compare", "detector@1", "detector@2", "--plot", str(drawn))
    assert "is not drawn" not in told.stderr
    assert "optimiser steps of the chain" in drawn.read_text()
    with pytest.raises(ToolError, match="no loss above 0 is known"):
        upwell("models", "compare", "detector@1", "detector@2", "--plot", str(drawn), "--log")
    with pytest.raises(ToolError, match="no known ending"):
        upwell("models", "compare", "detector@1", "detector@2", "--plot", "losses.pdf")


def test_messages_are_as_the_contract_says(upwell: Running) -> None:
    first = upwell.world.train("run-1", stage="stage1")
    upwell.world.train("run-2", parent=first, stage="stage2", total_steps=5)

    async def work(client: Upwell) -> pb.GetHistoryResponse:
        return await client.history.history("detector@2")

    answer = upwell.ask(work)
    assert [(each.steps, each.total_steps, each.recipe, each.imported) for each in answer.entries] == [
        (10, 10, "text-sft", False),
        (5, 15, "text-sft", False),
    ]
    assert json_format.MessageToDict(answer.entries[0].hyperparameters) == {"max_steps": 10.0, "method": "lora"}
    assert (answer.base.name, answer.base.digest, answer.checkpoint) == ("tiny-qwen", "b" * 64, "")
    assert len(answer.checkpoint_digest) == 64
    assert not answer.HasField("unknown_parent")
