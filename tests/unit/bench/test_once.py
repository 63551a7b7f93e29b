"""A folder that is made once."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.once import made_once


def test_a_folder_is_made_once_and_never_by_half(tmp_path: Path) -> None:
    folder = tmp_path / "pieces" / "base"

    def fill(target: Path) -> None:
        (target / "weights").write_text("whole")

    def stop(target: Path) -> None:
        fill(target)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        made_once(folder, stop)
    assert list(folder.parent.iterdir()) == []
    assert made_once(folder, fill) == folder
    assert made_once(folder, stop) == folder
    assert [path.name for path in folder.iterdir()] == ["weights"]


def test_what_another_process_made_meanwhile_is_taken(tmp_path: Path) -> None:
    folder = tmp_path / "base"

    def overtaken(target: Path) -> None:
        (target / "weights").write_text("ours")
        folder.mkdir()
        (folder / "weights").write_text("theirs")

    assert (made_once(folder, overtaken) / "weights").read_text() == "theirs"
    assert [path.name for path in tmp_path.iterdir()] == ["base"]
