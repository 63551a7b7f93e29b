"""A SeriesLM to and from a bundle."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from transformers import AutoModel

from shared.modeling.architecture import portable, untrained_model
from shared.modeling.bases import load_base
from shared.modeling.bundle import (
    ADAPTER_FILE,
    FULL,
    HEADS_FILE,
    LORA,
    MODEL_FILE,
    BundleInfo,
    check_base,
    read_tensors,
    save_bundle,
)
from shared.modeling.lora import adapters_of, add_adapters, parse_lora
from shared.modeling.series.network import SeriesLM
from shared.modeling.series.spec import parse_spec

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

# The part of the network that comes from the base: for an adapter it is not stored again.
DECODER = "decoder."


def save_network(folder: Path, info: BundleInfo, network: SeriesLM, tokenizer: PreTrainedTokenizerBase) -> None:
    """Write the bundle, apart from its certificate."""
    state = network.state_dict()
    if info.method == FULL:
        save_bundle(
            folder,
            info,
            tensors={MODEL_FILE: state},
            tokenizer=tokenizer,
            config=portable(network.decoder.config.to_diff_dict()),
        )
    else:
        tensors = {ADAPTER_FILE: adapters_of(state), HEADS_FILE: _heads(state)}
        save_bundle(folder, info, tensors=tensors, tokenizer=tokenizer)


def load_network(folder: Path, base_dir: Path | None, info: BundleInfo) -> SeriesLM:
    """Rebuild the network in float32 on the CPU, in eval mode; IntegrityError when anything does not fit."""
    # New layers get random weights, which are all replaced; the caller's random state must not notice.
    with torch.random.fork_rng(devices=[]):
        network = SeriesLM(_decoder(folder, base_dir, info), parse_spec(info.spec))
    state = network.state_dict()
    parts = (
        {ADAPTER_FILE: adapters_of(state), HEADS_FILE: _heads(state)} if info.method == LORA else {MODEL_FILE: state}
    )
    for name, part in parts.items():
        stored = read_tensors(folder / name, shapes={key: tuple(tensor.shape) for key, tensor in part.items()})
        # The names were compared; what is absent here is in the other part, or in the base, which stays as it is.
        network.load_state_dict(stored, strict=False)
    return network.eval()


def _decoder(folder: Path, base_dir: Path | None, info: BundleInfo) -> PreTrainedModel:
    """The base with untrained adapters, or a model of the stored architecture with random weights."""
    if info.method == LORA:
        decoder = load_base(check_base(info, base_dir)).decoder
        add_adapters(decoder, parse_lora(info.lora))
        return decoder
    return untrained_model(folder, AutoModel)


def _heads(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name: tensor for name, tensor in state.items() if not name.startswith(DECODER)}
