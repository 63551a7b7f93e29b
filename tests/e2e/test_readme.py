"""The README's commands, run word for word in a folder that holds the Makefile, the protos and this environment."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BLOCK = re.compile(r"<!-- run: (\w+) -->\n```bash\n(.*?)```", re.DOTALL)

pytestmark = [pytest.mark.connected, pytest.mark.heavy, pytest.mark.timeout(400)]


def test_the_readme_works_word_for_word(tmp_path: Path) -> None:
    blocks = dict(BLOCK.findall((ROOT / "README.md").read_text(encoding="utf-8")))
    assert list(blocks) == ["start", "data", "publish", "chain", "predict", "lineage"]
    shutil.copytree(ROOT / "proto", tmp_path / "proto")
    lend_environment(tmp_path)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("UPWELL_")}
    # What is found is what the README put there.
    ours = str(Path(sys.executable).parent)
    environment["PATH"] = ":".join(part for part in environment["PATH"].split(":") if part != ours)

    def shell(script: str) -> subprocess.CompletedProcess[str]:
        command = ["bash", "-euo", "pipefail", "-c", script]
        return subprocess.run(
            command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False, timeout=300
        )

    try:
        # One shell: what a block exports the next one uses.
        ended = shell("\n".join(blocks.values()))
        assert ended.returncode == 0, f"{ended.stdout}\n{ended.stderr}"
    finally:
        stopped = shell(". .venv/bin/activate && upwell down")
    assert stopped.returncode == 0, stopped.stderr
    assert "4 candidates by robust" in ended.stderr
    assert "pump-7@1" in ended.stdout
    assert "pump-labels@1" in ended.stdout
    assert "pump-detector 1 " in ended.stdout
    assert "helper@2  stage2  valves@1" in ended.stdout
    assert '"key"' in ended.stdout
    assert not processes_under(tmp_path)


def lend_environment(folder: Path) -> None:
    """What `make install` needs to find its work done: the environment that runs the tests, as new as it can be."""
    for name in ("Makefile", "pyproject.toml", "constraints.txt"):
        shutil.copy2(ROOT / name, folder)
    (folder / ".venv").mkdir()
    (folder / ".venv" / "bin").symlink_to(Path(sys.executable).parent)
    (folder / ".venv" / "installed").touch()


def processes_under(folder: Path) -> list[str]:
    """Command lines of processes that work in the folder or name it."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            command = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            if str(folder) in command or str(folder) in str((process / "cwd").readlink()):
                found.append(command)
        except OSError:
            continue
    return found
