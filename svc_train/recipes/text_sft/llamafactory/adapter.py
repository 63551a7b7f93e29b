"""The adapters LLaMA-Factory left, put into our network. peft's `adapter_config.json` is not needed and not read."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from shared.errors import IntegrityError
from shared.modeling.lora import is_adapter

if TYPE_CHECKING:
    from transformers import PreTrainedModel

ADAPTER_FILE = "adapter_model.safetensors"
# peft saves `base_model.model.<layer>.lora_A.weight` of what is called `<layer>.lora_A.default.weight` in the network.
PREFIX = "base_model.model."
SAVED = re.compile(r"\.(lora_[AB])\.weight$")


def take_adapter(model: PreTrainedModel, folder: Path) -> None:
    """Give the network the adapters in the folder; IntegrityError when they are not those it has."""
    stored = {_name(saved): tensor for saved, tensor in _read(folder / ADAPTER_FILE).items()}
    wanted = {name: parameter for name, parameter in model.named_parameters() if is_adapter(name)}
    differing = sorted(
        name
        for name in {*stored, *wanted}
        if name not in stored or name not in wanted or stored[name].shape != wanted[name].shape
    )
    if differing:
        raise IntegrityError(f"LLaMA-Factory left other adapters than the run asked for: {', '.join(differing[:3])}")
    model.load_state_dict(stored, strict=False)


def _read(path: Path) -> dict[str, Tensor]:
    try:
        return load_file(path)
    except FileNotFoundError as error:
        raise IntegrityError(f"LLaMA-Factory ended well and left no {ADAPTER_FILE}") from error
    except SafetensorError as error:
        raise IntegrityError(f"LLaMA-Factory left a damaged {ADAPTER_FILE}: {error}") from error


def _name(saved: str) -> str:
    return SAVED.sub(r".\1.default.weight", saved.removeprefix(PREFIX))
