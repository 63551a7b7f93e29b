"""Recipes are described without loading what they train with."""

from __future__ import annotations

import subprocess
import sys

import pytest


@pytest.mark.parametrize(
    "module", ["svc_train.recipes.series_lm", "svc_train.recipes.ocean_chat", "svc_train.recipes.base"]
)
def test_recipes_can_be_named_without_loading_torch(module: str) -> None:
    code = f"import sys, {module}; sys.exit(any(name in sys.modules for name in ('torch', 'transformers', 'peft')))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
