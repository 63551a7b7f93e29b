"""Series to tensors: the one road from numbers to the network, for training and serving alike.

Shape suffixes: B = windows in the batch, T = points in a window, P = patches in a window, K = points in a patch,
F = features of a point, Q = tokens of the prompt.
"""

# ruff: noqa: N803, N806, N815 - names end in their shape, in capitals

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from shared.errors import InvalidInputError
from shared.modeling.series.spec import PLACE, SeriesSpec

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

# The features of a point: its normalised value, the normalised step from the point before it, and whether it was
# measured at all (the first two are interpolated where it was not).
FEATURES = 3
# Below this share of its mean's magnitude a window's spread is rounding noise: the window counts as constant.
CONSTANT = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowBatch:
    """Windows as the network takes them.

    Args:
        features_BPKF: float32, see `FEATURES`; 0 where the window goes on behind the end of its series.
        present_BP: bool, patches that hold at least one row of the series.
        observed_BT: bool, points that were measured.
        prompt_ids_BQ: token ids, padded on the left.
        prompt_mask_BQ: bool, tokens that are no padding.
    """

    features_BPKF: Tensor
    present_BP: Tensor
    observed_BT: Tensor
    prompt_ids_BQ: Tensor
    prompt_mask_BQ: Tensor

    @property
    def tokens(self) -> int:
        """Tokens and patches the language model reads in one direction."""
        return int(self.prompt_mask_BQ.sum() + self.present_BP.sum())

    def to(self, device: torch.device | str) -> WindowBatch:
        """The same batch on another device."""
        return WindowBatch(
            features_BPKF=self.features_BPKF.to(device),
            present_BP=self.present_BP.to(device),
            observed_BT=self.observed_BT.to(device),
            prompt_ids_BQ=self.prompt_ids_BQ.to(device),
            prompt_mask_BQ=self.prompt_mask_BQ.to(device),
        )


def window_starts(rows: int, spec: SeriesSpec) -> list[int]:
    """Starts of the overlapping windows that cover all rows; the last one ends with the series."""
    last = max(rows - spec.window, 0)
    return [*range(0, last, spec.stride), last]


def encode_windows(
    windows: Sequence[NDArray[np.float64]], spec: SeriesSpec, tokenizer: PreTrainedTokenizerBase
) -> WindowBatch:
    """Turn stretches of one channel, each of 1 to `window` rows, NaN where missing, into a batch on the CPU.

    Every window is normalised by its own mean and scale, which its prompt keeps.
    """
    raw_BT = np.full((len(windows), spec.window), np.nan)
    present_BT = np.zeros(raw_BT.shape, dtype=bool)
    for row, window in enumerate(windows):
        raw_BT[row, : len(window)] = window
        present_BT[row, : len(window)] = True
    observed_BT = np.isfinite(raw_BT)
    mean_B, scale_B = _mean_and_scale(raw_BT, observed_BT)
    features_BTF = _features(raw_BT, observed_BT, present_BT, mean_B, scale_B)
    prompt_ids_BQ, prompt_mask_BQ = _prompts(mean_B, scale_B, spec, tokenizer)
    return WindowBatch(
        features_BPKF=torch.from_numpy(features_BTF.reshape(len(windows), spec.patches, spec.patch, FEATURES)),
        present_BP=torch.from_numpy(present_BT.reshape(len(windows), spec.patches, spec.patch).any(axis=2)),
        observed_BT=torch.from_numpy(observed_BT),
        prompt_ids_BQ=prompt_ids_BQ,
        prompt_mask_BQ=prompt_mask_BQ,
    )


def _mean_and_scale(
    raw_BT: NDArray[np.float64], observed_BT: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean and standard deviation of what was measured; scale 1 where a window is constant or empty."""
    values_BT = np.where(observed_BT, raw_BT, 0.0)
    # Dividing by the peak first keeps the squares of very large and very small numbers in range.
    peak_B1 = np.abs(values_BT).max(axis=1, keepdims=True)
    peak_B1[peak_B1 == 0] = 1.0
    values_BT = values_BT / peak_B1
    count_B = np.maximum(observed_BT.sum(axis=1), 1)
    mean_B = values_BT.sum(axis=1) / count_B
    centred_BT = np.where(observed_BT, values_BT - mean_B[:, None], 0.0)
    scale_B = np.sqrt((centred_BT**2).sum(axis=1) / count_B)
    constant_B = scale_B <= CONSTANT * np.abs(mean_B)
    peak_B = peak_B1[:, 0]
    return mean_B * peak_B, np.where(constant_B, 1.0, scale_B * peak_B)


def _features(
    raw_BT: NDArray[np.float64],
    observed_BT: NDArray[np.bool_],
    present_BT: NDArray[np.bool_],
    mean_B: NDArray[np.float64],
    scale_B: NDArray[np.float64],
) -> NDArray[np.float32]:
    value_BT = np.zeros(raw_BT.shape)
    rows = np.arange(raw_BT.shape[1])
    for raw_T, observed_T, mean, scale, value_T in zip(raw_BT, observed_BT, mean_B, scale_B, value_BT, strict=True):
        if observed_T.any():
            # Dividing before subtracting keeps windows near the largest float in range.
            known = raw_T[observed_T] / scale - mean / scale
            value_T[:] = known if observed_T.all() else np.interp(rows, rows[observed_T], known)
    step_BT = np.diff(value_BT, axis=1, prepend=value_BT[:, :1])
    return np.stack([value_BT, step_BT, observed_BT], axis=2, dtype=np.float32, casting="unsafe") * (
        present_BT[:, :, None].astype(np.float32)
    )


def _prompts(
    mean_B: NDArray[np.float64],
    scale_B: NDArray[np.float64],
    spec: SeriesSpec,
    tokenizer: PreTrainedTokenizerBase,
) -> tuple[Tensor, Tensor]:
    """Token ids of the text in front of the patches, padded on the left so that the patches stay aligned."""
    head = spec.prompt.removesuffix(PLACE)
    texts = [head.format(mean=mean, scale=scale) for mean, scale in zip(mean_B, scale_B, strict=True)]
    ids = tokenizer(texts, add_special_tokens=False)["input_ids"]
    longest = max(len(row) for row in ids)
    if longest == 0:
        raise InvalidInputError.of("prompt", f"the tokenizer makes no token of {texts[0]!r}")
    ids_BQ = torch.zeros((len(ids), longest), dtype=torch.long)
    mask_BQ = torch.zeros((len(ids), longest), dtype=torch.bool)
    for row, tokens in enumerate(ids):
        ids_BQ[row, longest - len(tokens) :] = torch.tensor(tokens)
        mask_BQ[row, longest - len(tokens) :] = True
    return ids_BQ, mask_BQ
