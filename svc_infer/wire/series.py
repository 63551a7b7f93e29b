"""Series in, segments out."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from shared.contracts.versions import ModelVersion
from shared.errors import InvalidInputError
from shared.runtime.convert import segment_message
from svc_infer.domain.series import MAX_SERIES, Answer, Series, series_from_call
from svc_infer.wire.models import model_ref
from upwell.infer.v1 import infer_service_pb2 as pb


def series_values(request: pb.PredictRequest) -> list[Series]:
    """The series of a call; InvalidInputError names the field that is wrong."""
    if not 1 <= len(request.series) <= MAX_SERIES:
        raise InvalidInputError.of(
            "series", f"{len(request.series)} series were sent; send 1 to {MAX_SERIES} in a call"
        )
    return [
        series_from_call(
            f"series[{index}]",
            name=message.id,
            channels=[channel.name for channel in message.channels],
            # numpy reads a repeated field at once, a hundred times faster than value by value.
            columns=[np.array(channel.values, dtype=np.float64) for channel in message.channels],
            times=np.array(message.times, dtype=np.int64),
        )
        for index, message in enumerate(request.series)
    ]


def predict_response(
    version: ModelVersion, answers: Sequence[Answer], series: Sequence[Series], *, include_scores: bool
) -> pb.PredictResponse:
    """The answers, with the version that spoke."""
    return pb.PredictResponse(
        model=model_ref(version),
        answers=[
            pb.SeriesAnswer(
                id=answer.id,
                segments=[segment_message(segment) for segment in answer.segments],
                text=answer.text,
                scores=_scores(answer, one) if include_scores else (),
            )
            for answer, one in zip(answers, series, strict=True)
        ],
    )


def _scores(answer: Answer, series: Series) -> list[pb.ChannelScores]:
    return [
        pb.ChannelScores(channel=channel, scores=column.tolist())
        for channel, column in zip(series.channels, answer.scores.T, strict=True)
    ]
