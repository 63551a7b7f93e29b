from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from shared.errors import IntegrityError
from shared.modeling.certificate import certify, load_certificate, save_certificate


@dataclass(kw_only=True)
class FakePredictor:
    """Answers a number with its double, plus what it is off by."""

    dtype: str = "float32"
    tokenizer_digest: str = "t1"
    off_by: float = 0.0

    def golden_inputs(self) -> Sequence[Mapping[str, Any]]:
        return [{"number": 1.0}, {"number": 2.0}]

    def golden_answer(self, golden_input: Mapping[str, Any]) -> Mapping[str, Any]:
        return {"double": 2 * golden_input["number"] + self.off_by}

    def differences(self, certified: Mapping[str, Any], answered: Mapping[str, Any], *, tolerance: float) -> list[str]:
        off = abs(certified["double"] - answered["double"])
        return [f"off by {off:g}"] if off > tolerance else []


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    save_certificate(tmp_path, certify(FakePredictor()))
    return tmp_path


def test_an_equal_model_passes(folder: Path):
    load_certificate(folder).replay(FakePredictor())


def test_it_says_what_differs(folder: Path):
    with pytest.raises(IntegrityError, match=r"golden input 0: off by 0\.5; golden input 1: off by 0\.5"):
        load_certificate(folder).replay(FakePredictor(off_by=0.5))


def test_a_coarser_dtype_has_a_wider_tolerance(folder: Path):
    certificate = load_certificate(folder)
    certificate.replay(FakePredictor(dtype="bfloat16", off_by=0.05))
    with pytest.raises(IntegrityError, match="off by"):
        certificate.replay(FakePredictor(dtype="float32", off_by=0.05))


def test_the_coarser_dtype_may_be_the_one_it_was_made_in(tmp_path: Path):
    save_certificate(tmp_path, certify(FakePredictor(dtype="bfloat16")))
    load_certificate(tmp_path).replay(FakePredictor(dtype="float32", off_by=0.05))


@pytest.mark.parametrize(
    ("predictor", "reason"),
    [
        (FakePredictor(tokenizer_digest="t2"), "another tokenizer or chat template"),
        (FakePredictor(dtype="int4"), "no tolerance for int4"),
    ],
)
def test_another_tokenizer_and_an_unknown_dtype_are_refused(folder: Path, predictor: FakePredictor, reason: str):
    with pytest.raises(IntegrityError, match=reason):
        load_certificate(folder).replay(predictor)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"schema": "x"}, "schema 'x'"),
        ({"cases": []}, "certifies nothing"),
        ({"cases": [{"input": {}}]}, "damaged"),
        ({"tolerance": None}, "damaged"),
    ],
)
def test_it_is_read_strictly(folder: Path, changes, reason: str):
    path = folder / "certificate.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))
    with pytest.raises(IntegrityError, match=reason):
        load_certificate(folder)


def test_a_bundle_without_certificate_is_refused(tmp_path: Path):
    with pytest.raises(IntegrityError, match=r"has no file certificate\.json"):
        load_certificate(tmp_path)
