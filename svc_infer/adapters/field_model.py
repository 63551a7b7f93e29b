"""The `FieldModel` port over a predictor of the interface `field`."""

from __future__ import annotations

from shared.contracts.interfaces import Interface
from shared.contracts.versions import ModelVersion
from shared.fields.values import FieldAnswer, FieldInput
from shared.modeling.predictor import FieldPredictor


class PredictedFields:
    """A loaded version."""

    interface = Interface.FIELD

    def __init__(self, version: ModelVersion, predictor: FieldPredictor) -> None:
        self.version = version
        self.history = predictor.history
        self.horizon = predictor.horizon
        self._predictor = predictor

    def forecast(self, asked: FieldInput) -> FieldAnswer:
        """The months that come; see the port."""
        answer: FieldAnswer
        [answer] = self._predictor.predict([asked])
        return answer
