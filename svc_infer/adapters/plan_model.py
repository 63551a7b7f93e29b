"""The `PlanModel` port over a predictor of the interface `plan`."""

from __future__ import annotations

from shared.contracts.interfaces import Interface
from shared.contracts.versions import ModelVersion
from shared.modeling.predictor import Predictor
from shared.planning.values import PlanAnswer, PlanInput


class PredictedPlans:
    """A loaded version."""

    interface = Interface.PLAN

    def __init__(self, version: ModelVersion, predictor: Predictor) -> None:
        self.version = version
        self._predictor = predictor

    def plan(self, asked: PlanInput) -> PlanAnswer:
        """The plan; see the port."""
        answer: PlanAnswer
        [answer] = self._predictor.predict([asked])
        return answer
