from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from shared.modeling.bases import content_digest

pytestmark = pytest.mark.heavy

BUILD = """
import sys, pathlib
from shared.modeling.bases import build_base
build_base('tiny-qwen', pathlib.Path(sys.argv[1]))
"""


def test_another_process_with_other_hashes_and_threads_builds_the_same_bytes(tmp_path: Path, tiny_base: Path):
    environment = {**os.environ, "PYTHONHASHSEED": "4711", "OMP_NUM_THREADS": "1", "RAYON_NUM_THREADS": "1"}
    subprocess.run([sys.executable, "-c", BUILD, str(tmp_path / "again")], check=True, env=environment)
    assert content_digest(tmp_path / "again") == content_digest(tiny_base)
    built = {path.name: path.read_bytes() for path in (tmp_path / "again").iterdir()}
    assert built == {path.name: path.read_bytes() for path in tiny_base.iterdir()}
