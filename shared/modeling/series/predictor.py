"""The series predictor: series in, scored and named segments out."""

# ruff: noqa: N806 - names end in their shape, in capitals

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray

from shared.contracts.interfaces import Interface
from shared.modeling.bundle import load_tokenizer, read_info, tokenizer_digest
from shared.modeling.precision import serving_dtype
from shared.modeling.series import golden
from shared.modeling.series.answers import RowScores, by_confidence, find_segments, sentence
from shared.modeling.series.network import SeriesLM
from shared.modeling.series.spec import SeriesSpec, parse_spec
from shared.modeling.series.storage import load_network
from shared.modeling.series.tensors import encode_windows, window_starts
from shared.modeling.series.values import SeriesAnswer, SeriesInput

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

FAMILY = "series"
# Windows computed at once: bounds memory whatever the length and the number of the series.
MICRO_BATCH = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class _Window:
    """A stretch of one channel, and where what is found in it is added up."""

    start: int
    values: NDArray[np.float64]
    scores: RowScores


class SeriesPredictor:
    """Answers for SeriesInput with SeriesAnswer (see `Predictor`)."""

    family = FAMILY
    interface = Interface.SERIES

    def __init__(
        self,
        *,
        network: SeriesLM,
        tokenizer: PreTrainedTokenizerBase,
        spec: SeriesSpec,
        tokenizer_digest: str,
        micro_batch: int = MICRO_BATCH,
    ) -> None:
        self._network = network
        self._tokenizer = tokenizer
        self._spec = spec
        self._micro_batch = micro_batch
        self.tokenizer_digest = tokenizer_digest

    @property
    def dtype(self) -> str:
        """What the language model computes in."""
        return str(self._network.decoder.dtype).removeprefix("torch.")

    @property
    def labels(self) -> tuple[str, ...]:
        """What segments can be called."""
        return self._spec.labels

    @property
    def window(self) -> int:
        """Rows of a window."""
        return self._spec.window

    @property
    def stride(self) -> int:
        """Rows between the starts of two windows."""
        return self._spec.stride

    def predict(self, inputs: Sequence[SeriesInput]) -> list[SeriesAnswer]:
        """One answer for each series; the windows of all of them are computed together."""
        scores = [[RowScores(column, labels=len(self.labels)) for column in s.values.T] for s in inputs]
        windows = self._windows(inputs, scores)
        with torch.inference_mode():
            while batch := list(islice(windows, self._micro_batch)):
                self._score(batch)
        return [self._answer(*pair) for pair in zip(inputs, scores, strict=True)]

    def _windows(self, inputs: Sequence[SeriesInput], scores: Sequence[Sequence[RowScores]]) -> Iterator[_Window]:
        for series, by_channel in zip(inputs, scores, strict=True):
            for column, channel_scores in zip(series.values.T, by_channel, strict=True):
                for start in window_starts(len(column), self._spec):
                    values = column[start : start + self._spec.window]
                    yield _Window(start=start, values=values, scores=channel_scores)

    def _score(self, windows: Sequence[_Window]) -> None:
        batch = encode_windows([w.values for w in windows], self._spec, self._tokenizer)
        logits = self._network(batch.to(self._network.decoder.device))
        score_BT = logits.score_BT.sigmoid().cpu().numpy()
        label_BTL = logits.label_BTL.softmax(-1).cpu().numpy()
        for window, score_T, label_TL in zip(windows, score_BT, label_BTL, strict=True):
            window.scores.add(window.start, score_T, label_TL)

    def _answer(self, series: SeriesInput, scores: Sequence[RowScores]) -> SeriesAnswer:
        found = [
            segment
            for channel, channel_scores in zip(series.channels, scores, strict=True)
            for segment in find_segments(channel_scores, channel=channel, spec=self._spec)
        ]
        segments = by_confidence(found)
        return SeriesAnswer(
            id=series.id,
            segments=segments,
            scores=np.stack([channel_scores.score_R for channel_scores in scores], axis=1),
            text=sentence(segments, rows=len(series.values)),
        )

    def golden_inputs(self) -> list[dict[str, Any]]:
        """See `golden.py`."""
        return golden.golden_inputs()

    def golden_answer(self, golden_input: Mapping[str, Any]) -> dict[str, Any]:
        """The answer to a golden input as JSON values."""
        [answer] = self.predict([golden.parse_golden_input(golden_input)])
        return golden.answer_as_json(answer)

    def differences(self, certified: Mapping[str, Any], answered: Mapping[str, Any], *, tolerance: float) -> list[str]:
        """See `golden.differences`."""
        return golden.differences(certified, answered, tolerance=tolerance, threshold=self._spec.threshold)


def load(bundle_dir: Path, base_dir: Path | None, device: str) -> SeriesPredictor:
    """Load a bundle of this family: the entry point `series` of `upwell.predictors`.

    The language model computes in its `serving_dtype`, encoder and head in float32.

    Raises:
        IntegrityError: the bundle is damaged or incomplete, or the base is another one.
    """
    info = read_info(bundle_dir)
    network = load_network(bundle_dir, base_dir, info).to(device)
    # The library's wrapper hides the signature of torch's method.
    network.decoder.to(dtype=serving_dtype(info, device))  # type: ignore[call-arg]
    return SeriesPredictor(
        network=network,
        tokenizer=load_tokenizer(bundle_dir),
        spec=parse_spec(info.spec),
        tokenizer_digest=tokenizer_digest(bundle_dir),
    )
