"""Trees on this machine: what is read of them, what is stored of their checkpoints, and where exports may go."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.support.histories import FIRST, SECOND, contents, info, write_tree
from upwell.client import history
from upwell.client.checkpoint_upload import checkpoint_name
from upwell.client.checkpoints import find_checkpoint
from upwell.client.history_tree import find_histories, write_history
from upwell.errors import ToolError
from upwell.registry.v1 import history_service_pb2 as pb

FILE = "run/training_info.json"


def found(root: Path) -> tuple[list[str], dict[str, str]]:
    tree = find_histories(root)
    return [file.path for file in tree.files], {bad.path: bad.reason for bad in tree.bad}


def test_every_file_is_found_whatever_its_folders_are_called(tmp_path: Path) -> None:
    write_tree(tmp_path, {"exp_a/阶段一/training_info.json": b"{}", FILE: b"", "run/other.json": b"{}"})
    assert found(tmp_path) == (["exp_a/阶段一/training_info.json", FILE], {})


def test_links_that_leave_the_tree_are_refused(tmp_path: Path) -> None:
    outside = tmp_path / "outside.json"
    outside.write_text("{}")
    root = write_tree(tmp_path / "tree", {FILE: b"{}"})
    for name, target in {"out": outside, "in": root / FILE, "gone": tmp_path / "gone"}.items():
        (root / name).mkdir()
        (root / name / "training_info.json").symlink_to(target)
    (root / "folder").symlink_to(tmp_path)
    files, bad = found(root)
    assert files == ["in/training_info.json", FILE]
    assert "leaves the tree" in bad["out/training_info.json"]
    assert "link to nothing" in bad["gone/training_info.json"]


def test_a_path_that_is_no_text_is_told(tmp_path: Path) -> None:
    folder = tmp_path / os.fsdecode(b"\xff")
    folder.mkdir()
    (folder / "training_info.json").write_text("{}")
    files, bad = found(tmp_path)
    assert files == []
    assert list(bad.values()) == ["has a path that is not UTF-8"]


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ToolError, match="is not a folder"):
        find_histories(tmp_path / "nothing")


def test_an_export_keeps_to_its_folder(tmp_path: Path) -> None:
    root = tmp_path / "out"
    (tmp_path / "elsewhere").mkdir()
    root.mkdir()
    (root / "link").symlink_to(tmp_path / "elsewhere")
    for path in ("../x.json", "/x.json", "link/x.json"):
        with pytest.raises(ToolError, match="leaves the folder"):
            write_history(root, path, b"{}", overwrite=True)


def test_equal_values_are_left_as_they_stand(tmp_path: Path) -> None:
    assert write_history(tmp_path, FILE, b'{"a": 1}', overwrite=False)
    assert not write_history(tmp_path, FILE, b'{ "a":1 }', overwrite=False)
    with pytest.raises(ToolError, match="something else"):
        write_history(tmp_path, FILE, b'{"a": true}', overwrite=False)
    assert write_history(tmp_path, FILE, b'{"a": true}', overwrite=True)


def test_only_what_cannot_run_is_stored(tmp_path: Path) -> None:
    names = ["model.safetensors", "config.json", "tokenizer.model", "deep/vocab.txt", "pytorch_model.bin", "run.py"]
    root = write_tree(tmp_path, {FILE: b"{}", **{f"run/final/{name}": b"x" for name in names}})
    (root / "run/final/away.json").symlink_to("/etc/hostname")
    checkpoint = find_checkpoint(root.resolve(), root / FILE, "final")
    assert sorted(checkpoint.files) == ["config.json", "deep/vocab.txt", "model.safetensors", "tokenizer.model"]
    assert "pickle" in checkpoint.left_out["pytorch_model.bin"]
    assert set(checkpoint.left_out) == {"pytorch_model.bin", "run.py", "away.json"}


@pytest.mark.parametrize(
    ("place", "reason"),
    [
        ("", "none is named"),
        ("a\0b", "none is named"),
        ("gone", "is not there"),
        ("x" * 300, "is not there"),
        ("../..", "lies outside"),
        ("/etc", "lies outside"),
        ("empty", "holds no .safetensors file"),
    ],
)
def test_a_checkpoint_that_is_not_at_hand(tmp_path: Path, place: str, reason: str) -> None:
    root = write_tree(tmp_path / "tree", {FILE: b"{}", "run/empty/config.json": b"{}"})
    checkpoint = find_checkpoint(root.resolve(), root / FILE, place)
    assert not checkpoint.files
    assert reason in checkpoint.missing


def test_a_checkpoint_may_be_one_file_and_named_absolutely(tmp_path: Path) -> None:
    root = write_tree(tmp_path, {FILE: b"{}", "run/m.safetensors": b"x"})
    for place in ("m.safetensors", str(root / "run/m.safetensors")):
        assert list(find_checkpoint(root.resolve(), root / FILE, place).files) == ["m.safetensors"]


def test_short_histories_go_first_and_calls_stay_small(monkeypatch: pytest.MonkeyPatch) -> None:
    files = contents({"a": info("x", [FIRST, SECOND]), "b": info("x", [FIRST]), "c": b"{", "d": [1]})
    assert [history.history_length(content) for content in files.values()] == [2, 1, 0, 0]
    monkeypatch.setattr(history, "BATCH_FILES", 3)
    monkeypatch.setattr(history, "BATCH_BYTES", 10)
    sent = [pb.HistoryFile(path=str(n), content=b"x" * size) for n, size in enumerate([1, 1, 1, 1, 7, 11, 1])]
    assert [[len(file.content) for file in batch] for batch in history.batches(sent)] == [[1, 1, 1], [1, 7], [11], [1]]


def test_a_checkpoint_has_a_name_of_its_place() -> None:
    assert checkpoint_name("实验 a/stage1/training_info.json") == "实验-a-stage1-checkpoint"
    assert checkpoint_name("training_info.json") == "checkpoint"
    assert len(checkpoint_name("x" * 300 + "/training_info.json")) == 100
