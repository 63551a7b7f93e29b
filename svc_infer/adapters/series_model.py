"""The `SeriesModel` port over a predictor of the interface `series`."""

from __future__ import annotations

from collections.abc import Sequence

from shared.contracts.interfaces import Interface
from shared.contracts.series import Segment
from shared.contracts.versions import ModelVersion
from shared.modeling.predictor import SeriesPredictor
from shared.modeling.series.values import AnswerSegment, SeriesAnswer, SeriesInput
from svc_infer.domain.chunks import Reach
from svc_infer.domain.series import Answer, Series, Times


class PredictedSeries:
    """A loaded version."""

    interface = Interface.SERIES

    def __init__(self, version: ModelVersion, predictor: SeriesPredictor) -> None:
        self.version = version
        self.reach = Reach(window=predictor.window, stride=predictor.stride)
        self._predictor = predictor

    def predict(self, series: Sequence[Series]) -> list[Answer]:
        """One answer a series; segments get the times of their rows."""
        inputs = [SeriesInput(id=one.id, channels=one.channels, values=one.values) for one in series]
        answers = self._predictor.predict(inputs)
        return [_answer(answer, one.times) for answer, one in zip(answers, series, strict=True)]


def _answer(answer: SeriesAnswer, times: Times) -> Answer:
    return Answer(
        id=answer.id,
        segments=tuple(_segment(segment, times) for segment in answer.segments),
        scores=answer.scores,
        text=answer.text,
    )


def _segment(segment: AnswerSegment, times: Times) -> Segment:
    return Segment(
        start_row=segment.start_row,
        end_row=segment.end_row,
        start_time=int(times[segment.start_row]),
        end_time=int(times[segment.end_row - 1]),
        channel=segment.channel,
        label=segment.label,
        confidence=segment.confidence,
    )
