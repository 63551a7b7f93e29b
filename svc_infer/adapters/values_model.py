"""The `ValuesModel` port over a predictor of the interface `values`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from shared.contracts.interfaces import Interface
from shared.contracts.versions import ModelVersion
from shared.modeling.predictor import Predictor


class PredictedValues:
    """A loaded version."""

    interface = Interface.VALUES

    def __init__(self, version: ModelVersion, predictor: Predictor) -> None:
        self.version = version
        self._predictor = predictor

    def ask(self, inputs: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
        """One answer an input; see the port."""
        return self._predictor.predict(inputs)
