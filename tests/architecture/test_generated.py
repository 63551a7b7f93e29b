"""What is generated is fresh: stubs, the contracts page, the configuration page, what pages quote."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def run(tool: str, out: Path) -> None:
    subprocess.run([sys.executable, f"tools/{tool}", "--out", str(out)], check=True, cwd=ROOT)


def test_the_stubs_are_fresh(tmp_path: Path) -> None:
    run("generate_stubs.py", tmp_path)
    made = {path.relative_to(tmp_path) for path in tmp_path.rglob("*.py*")}
    assert len(made) > 40
    committed = {
        path.relative_to(ROOT) for path in (ROOT / "upwell").rglob("*_pb2*.py*") if "__pycache__" not in path.parts
    }
    assert {path for path in made if "_pb2" in path.name} == committed, "stubs without a proto, or the other way round"
    stale = [str(path) for path in made if (tmp_path / path).read_bytes() != (ROOT / path).read_bytes()]
    assert not stale, "run `make proto`"


def test_the_pages_are_fresh(tmp_path: Path) -> None:
    run("generate_docs.py", tmp_path)
    for page in ("contracts.md", "configuration.md", "add_a_family.md"):
        made, committed = (folder / page for folder in (tmp_path, ROOT / "docs"))
        assert made.read_text() == committed.read_text(), "run `make docs`"
