"""The family of `docs/add_a_family.md`, a package of its own in a folder, through the whole loop of a real stack."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "add_a_family.md"
LOOP = re.compile(r"<!-- run: loop -->\n```bash\n(.*?)```", re.DOTALL)

pytestmark = [pytest.mark.connected, pytest.mark.heavy, pytest.mark.timeout(300)]


class Shell:
    """Runs scripts in a folder, with a package installed that nothing here knows of."""

    def __init__(self, root: Path) -> None:
        self.root = root
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("UPWELL_")}
        path = f"{Path(sys.executable).parent}:{inherited['PATH']}"
        self.environment = {**inherited, "PATH": path, "PYTHONPATH": str(root / "installed")}

    def __call__(self, script: str) -> subprocess.CompletedProcess[str]:
        command = ["bash", "-euo", "pipefail", "-c", script]
        return subprocess.run(
            command, cwd=self.root, env=self.environment, capture_output=True, text=True, check=False, timeout=250
        )

    def install(self, package: Path) -> None:
        # Of a copy: building leaves files beside the sources.
        shutil.copytree(package, self.root / package.name)
        pip = "python -m pip install --quiet --no-deps --no-index --no-build-isolation --target installed"
        ended = self(f"{pip} ./{package.name}")
        assert ended.returncode == 0, ended.stderr


def test_a_family_of_another_package_goes_through_the_whole_loop(tmp_path: Path) -> None:
    shell = Shell(tmp_path)
    shell.install(ROOT / "tests" / "toy_family")
    points = [f"{x / 10} {2 * x / 10 + 1}" for x in range(40)]
    (tmp_path / "points.xy").write_text("\n".join([*points, "2 900"]))
    (tmp_path / "wrong.xy").write_text("1 2\n3 vier\n")
    (script,) = LOOP.findall(PAGE.read_text(encoding="utf-8"))
    after = """
        upwell ask line '{"x": 0}' --json > answer.json
        upwell plan line "draw" --state state.json 2> wrong_call.txt || true
        upwell ingest points wrong.xy --name wrong 2> wrong_line.txt || true
    """
    state = [{"cpu_cores": 1, "memory_gb": 1, "gpu_sm": 0, "gpu_memory_gb": 0}]
    (tmp_path / "state.json").write_text(json.dumps(state))
    try:
        ended = shell("upwell up --detach\n" + script + after)
        assert ended.returncode == 0, f"{ended.stdout}\n{ended.stderr}"
    finally:
        stopped = shell("upwell down")
    assert stopped.returncode == 0, stopped.stderr
    printed = ended.stdout.splitlines()
    assert [line for line in printed if line in {"measured@1", "clean@1", "line@1"}] == [
        "measured@1",
        "clean@1",
        "line@1",
    ]
    assert "41 rows" in ended.stderr
    (height,) = [json.loads(line)["y"] for line in printed if line.startswith('{"y"')]
    assert height == pytest.approx(21, abs=0.5)
    answer = json.loads((tmp_path / "answer.json").read_text())
    assert answer["model"]["name"] == "line"
    assert answer["answers"][0]["y"] == pytest.approx(1, abs=0.5)
    for kind, name in (
        ("model", "line@1"),
        ("dataset", "clean@1"),
        ("dataset", "measured@1"),
        ("source", "file:points"),
    ):
        assert f"{kind} {name}" in ended.stdout
    assert "line@1 answers JSON values (Ask), not tasks (Plan)" in (tmp_path / "wrong_call.txt").read_text()
    assert "line 2: '3 vier' is no pair `x y` of numbers" in (tmp_path / "wrong_line.txt").read_text()
