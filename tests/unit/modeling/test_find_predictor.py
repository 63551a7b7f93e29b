"""Predictors are found by the family's name, ours and other packages' through the same door."""

from __future__ import annotations

from pathlib import Path

import pytest

from shared.errors import IntegrityError
from shared.modeling import predictor
from shared.modeling.series.predictor import load


def test_ours_is_found():
    assert predictor.find_loader("series") is load


def test_an_unknown_family_is_refused_and_the_known_ones_are_named():
    with pytest.raises(IntegrityError, match=r"family 'smoke'; predictors are installed for: .*series"):
        predictor.find_loader("smoke")


def test_another_package_can_bring_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "smoke.py").write_text("def load(bundle_dir, base_dir, device):\n    return 'smoke predictor'\n")
    metadata = tmp_path / "smoke-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: smoke\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text("[upwell.predictors]\nsmoke = smoke:load\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert predictor.find_loader("smoke")(tmp_path, None, "cpu") == "smoke predictor"
