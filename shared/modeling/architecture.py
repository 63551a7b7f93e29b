"""The architecture of a language model, apart from its weights: to and from a bundle's `config.json`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from transformers import AutoConfig

from shared.errors import IntegrityError
from shared.modeling.bundle import CONFIG_FILE, read_json

if TYPE_CHECKING:
    from transformers import PreTrainedModel


def portable(config: Mapping[str, Any]) -> dict[str, Any]:
    """The configuration without traces of the machine and the library that wrote it."""
    return {name: value for name, value in config.items() if name not in ("_name_or_path", "transformers_version")}


def untrained_model(folder: Path, auto: Any) -> PreTrainedModel:
    """A model of the stored architecture with random weights in float32, none of whose code comes from the folder.

    Args:
        folder: the bundle.
        auto: the class of transformers that decides what stands on the decoder: `AutoModel`, `AutoModelForCausalLM`.

    Raises:
        IntegrityError: the configuration is absent, damaged, or describes no such model.
    """
    read_json(folder / CONFIG_FILE)
    try:
        config = AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
        model: PreTrainedModel = auto.from_config(config, trust_remote_code=False, dtype=torch.float32)
    except (ValueError, KeyError, TypeError, AttributeError, OSError) as error:
        raise IntegrityError(f"The bundle's {CONFIG_FILE} describes no language model: {error}") from error
    return model
