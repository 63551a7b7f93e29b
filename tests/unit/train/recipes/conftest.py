from __future__ import annotations

from pathlib import Path

import pytest

from shared.modeling.bases import build_base


@pytest.fixture(scope="session")
def tiny_base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built-in base, made once."""
    folder = tmp_path_factory.mktemp("bases") / "tiny-qwen"
    build_base("tiny-qwen", folder)
    return folder
