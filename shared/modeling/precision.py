"""Which numbers a served language model computes in."""

from __future__ import annotations

import torch

from shared.modeling.bundle import FULL, BundleInfo


def serving_dtype(info: BundleInfo, device: str) -> torch.dtype:
    """bfloat16 on a GPU, where the base is as it was; float32 on a CPU, and wherever all weights were trained.

    bfloat16 keeps 8 bits of a weight. A base in bfloat16 loses nothing by that, and adapters are weights of their own.
    What training of all weights adds to one is mostly less than half of its last bit: rounded, it is gone, and the
    base answers in place of the trained model.
    """
    return torch.float32 if info.method == FULL else base_dtype(device)


def base_dtype(device: str) -> torch.dtype:
    """What a base that is as it was computes in."""
    return torch.bfloat16 if torch.device(device).type == "cuda" else torch.float32
