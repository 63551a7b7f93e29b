"""The state of every random generator of the process, out and back in."""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

CPU, CUDA = "torch/cpu", "torch/cuda/"


def generator_tensors() -> dict[str, Tensor]:
    """The states of torch's generators."""
    devices = torch.cuda.get_rng_state_all() if torch.cuda.is_available() else []
    return {CPU: torch.get_rng_state(), **{f"{CUDA}{i}": state for i, state in enumerate(devices)}}


def generator_numbers() -> dict[str, Any]:
    """The states of Python's and numpy's own generators, as JSON values. Ours do not draw from them; libraries may."""
    version, internal, gauss = random.getstate()
    kind, keys, place, has_gauss, cached = np.random.get_state(legacy=True)  # noqa: NPY002
    return {
        "python": [version, list(internal), gauss],
        "numpy": [str(kind), [int(key) for key in np.asarray(keys)], int(place), int(has_gauss), float(cached)],
    }


def restore_generators(tensors: Mapping[str, Tensor], numbers: Mapping[str, Any]) -> None:
    """Put them back; KeyError, TypeError or ValueError when they are none.

    A machine with other devices goes on with their generators as they are: no number is repeatable there anyway.
    """
    version, internal, gauss = numbers["python"]
    random.setstate((version, tuple(internal), gauss))
    kind, keys, place, has_gauss, cached = numbers["numpy"]
    np.random.set_state((kind, np.array(keys, dtype=np.uint32), place, has_gauss, cached))  # noqa: NPY002
    torch.set_rng_state(tensors[CPU])
    devices = [tensors[name] for name in sorted(tensors) if name.startswith(CUDA)]
    if devices and torch.cuda.device_count() == len(devices):
        torch.cuda.set_rng_state_all(devices)
