"""A causal language model to and from a bundle: all its weights, or its adapters."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from transformers import AutoConfig, AutoModelForCausalLM

from shared.errors import IntegrityError, InvalidInputError
from shared.modeling.bases import load_base
from shared.modeling.bundle import (
    ADAPTER_FILE,
    CONFIG_FILE,
    FULL,
    LORA,
    MODEL_FILE,
    BundleInfo,
    check_base,
    read_json,
    read_tensors,
    save_bundle,
)
from shared.modeling.lora import add_adapters, is_adapter, parse_lora

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase


def save_model(folder: Path, info: BundleInfo, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> None:
    """Write the bundle, apart from its certificate."""
    weights = _weights(model)
    if info.method == FULL:
        save_bundle(
            folder,
            info,
            tensors={MODEL_FILE: weights},
            tokenizer=tokenizer,
            config=_portable(model.config.to_diff_dict()),
        )
    else:
        save_bundle(folder, info, tensors={ADAPTER_FILE: _adapters(weights)}, tokenizer=tokenizer)


def load_model(folder: Path, base_dir: Path | None, info: BundleInfo) -> PreTrainedModel:
    """Rebuild the model in float32 on the CPU, in eval mode; IntegrityError when anything does not fit."""
    # New layers get random weights, which are all replaced; the caller's random state must not notice.
    with torch.random.fork_rng(devices=[]):
        model = _untrained(folder, base_dir, info)
    take_weights(model, folder, info)
    model.train(mode=False)
    return model


def take_weights(model: PreTrainedModel, folder: Path, info: BundleInfo) -> None:
    """Give a model of the bundle's shape what the bundle holds; IntegrityError when it does not fit."""
    weights = _weights(model)
    name, part = (ADAPTER_FILE, _adapters(weights)) if info.method == LORA else (MODEL_FILE, weights)
    stored = read_tensors(folder / name, shapes={key: tuple(tensor.shape) for key, tensor in part.items()})
    # The names were compared; what is absent here is shared with what is there, or in the base, which stays as it is.
    model.load_state_dict(stored, strict=False)


def _untrained(folder: Path, base_dir: Path | None, info: BundleInfo) -> PreTrainedModel:
    """The base with untrained adapters, or a model of the stored architecture with random weights."""
    if info.method == LORA:
        base = load_base(check_base(info, base_dir))
        try:
            add_adapters(base.decoder, parse_lora(info.lora))
        except InvalidInputError as error:
            raise IntegrityError(f"The bundle's adapters do not fit its base: {error}") from error
        return base.model
    read_json(folder / CONFIG_FILE)
    try:
        config = AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
        model: PreTrainedModel = AutoModelForCausalLM.from_config(  # type: ignore[no-untyped-call]
            config, trust_remote_code=False, dtype=torch.float32
        )
    except (ValueError, KeyError, TypeError, AttributeError, OSError) as error:
        raise IntegrityError(f"The bundle's {CONFIG_FILE} describes no language model: {error}") from error
    return model


def _weights(model: PreTrainedModel) -> dict[str, Tensor]:
    """All weights, those that two layers share once."""
    kept = set(model.state_dict())
    buffers = {name: buffer for name, buffer in model.named_buffers() if name in kept}
    return {**{name: parameter.detach() for name, parameter in model.named_parameters()}, **buffers}


def _adapters(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name: tensor for name, tensor in weights.items() if is_adapter(name)}


def _portable(config: Mapping[str, Any]) -> dict[str, Any]:
    """The configuration without traces of the machine and the library that wrote it."""
    return {name: value for name, value in config.items() if name not in ("_name_or_path", "transformers_version")}
