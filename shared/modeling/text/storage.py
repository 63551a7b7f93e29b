"""A causal language model to and from a bundle: all its weights, or its adapters."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from transformers import AutoModelForCausalLM

from shared.errors import IntegrityError, InvalidInputError
from shared.modeling.architecture import portable, untrained_model
from shared.modeling.bases import load_base
from shared.modeling.bundle import (
    ADAPTER_FILE,
    FULL,
    LORA,
    MODEL_FILE,
    BundleInfo,
    check_base,
    read_tensors,
    save_bundle,
)
from shared.modeling.lora import adapters_of, add_adapters, parse_lora

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
            config=portable(model.config.to_diff_dict()),
        )
    else:
        save_bundle(folder, info, tensors={ADAPTER_FILE: adapters_of(weights)}, tokenizer=tokenizer)


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
    name, part = (ADAPTER_FILE, adapters_of(weights)) if info.method == LORA else (MODEL_FILE, weights)
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
    return untrained_model(folder, AutoModelForCausalLM)


def _weights(model: PreTrainedModel) -> dict[str, Tensor]:
    """All weights, those that two layers share once."""
    kept = set(model.state_dict())
    buffers = {name: buffer for name, buffer in model.named_buffers() if name in kept}
    return {**{name: parameter.detach() for name, parameter in model.named_parameters()}, **buffers}
