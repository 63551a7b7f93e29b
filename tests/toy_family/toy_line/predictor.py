"""The predictor `line`: {"x": 2} in, {"y": 5} out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from torch import Tensor

from shared.contracts.interfaces import Interface
from shared.errors import InvalidInputError
from shared.modeling.bundle import MODEL_FILE, BundleInfo, read_tensors, save_bundle


class LinePredictor:
    """See `Predictor` in `shared/modeling/predictor.py`."""

    family = "line"
    interface = Interface.VALUES
    labels: tuple[str, ...] = ()
    dtype = "float32"
    tokenizer_digest = ""  # it reads no text

    def __init__(self, line: Tensor) -> None:
        self._slope, self._height = line.tolist()

    def predict(self, inputs: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """The height of the line at each x."""
        return [{"y": self._slope * _x_of(one) + self._height} for one in inputs]

    def golden_inputs(self) -> list[dict[str, Any]]:
        """Two points tell a line."""
        return [{"x": 0.0}, {"x": 1.0}]

    def golden_answer(self, golden_input: Mapping[str, Any]) -> dict[str, Any]:
        """The answer to a golden input."""
        return self.predict([golden_input])[0]

    def differences(self, certified: Mapping[str, Any], answered: Mapping[str, Any], *, tolerance: float) -> list[str]:
        """What differs between two answers."""
        off = abs(certified["y"] - answered["y"])
        return [f"y is off by {off:.2g}"] if off > tolerance * max(1.0, abs(certified["y"])) else []


def save(folder: Path, info: BundleInfo, line: Tensor) -> None:
    """Write the bundle, apart from its certificate."""
    save_bundle(folder, info, tensors={MODEL_FILE: {"line": line}}, tokenizer=None)


def load(bundle_dir: Path, base_dir: Path | None, device: str) -> LinePredictor:
    """Load a bundle; IntegrityError when it is damaged."""
    del base_dir, device
    return LinePredictor(read_tensors(bundle_dir / MODEL_FILE, shapes={"line": (2,)})["line"])


def _x_of(given: Mapping[str, Any]) -> float:
    x = given.get("x")
    if isinstance(x, bool) or not isinstance(x, int | float):
        raise InvalidInputError.of("inputs.x", f"{x!r} is no number")
    return float(x)
