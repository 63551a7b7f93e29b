"""A SeriesLM to and from a bundle."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from transformers import AutoConfig, AutoModel

from shared.errors import IntegrityError
from shared.modeling.bases import load_base
from shared.modeling.bundle import (
    ADAPTER_FILE,
    CONFIG_FILE,
    FULL,
    HEADS_FILE,
    LORA,
    MODEL_FILE,
    BundleInfo,
    check_base,
    read_json,
    read_tensors,
    save_bundle,
)
from shared.modeling.lora import add_adapters, is_adapter, parse_lora
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
            config=_portable(network.decoder.config.to_diff_dict()),
        )
    else:
        tensors = {ADAPTER_FILE: _adapters(state), HEADS_FILE: _heads(state)}
        save_bundle(folder, info, tensors=tensors, tokenizer=tokenizer)


def load_network(folder: Path, base_dir: Path | None, info: BundleInfo) -> SeriesLM:
    """Rebuild the network in float32 on the CPU, in eval mode; IntegrityError when anything does not fit."""
    # New layers get random weights, which are all replaced; the caller's random state must not notice.
    with torch.random.fork_rng(devices=[]):
        network = SeriesLM(_decoder(folder, base_dir, info), parse_spec(info.spec))
    state = network.state_dict()
    parts = {ADAPTER_FILE: _adapters(state), HEADS_FILE: _heads(state)} if info.method == LORA else {MODEL_FILE: state}
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
    read_json(folder / CONFIG_FILE)
    try:
        config = AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
        model: PreTrainedModel = AutoModel.from_config(  # type: ignore[no-untyped-call]
            config, trust_remote_code=False, dtype=torch.float32
        )
    except (ValueError, KeyError, TypeError, AttributeError, OSError) as error:
        raise IntegrityError(f"The bundle's {CONFIG_FILE} describes no language model: {error}") from error
    return model


def _adapters(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name: tensor for name, tensor in state.items() if is_adapter(name)}


def _heads(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name: tensor for name, tensor in state.items() if not name.startswith(DECODER)}


def _portable(config: Mapping[str, Any]) -> dict[str, Any]:
    """The configuration without traces of the machine and the library that wrote it."""
    return {name: value for name, value in config.items() if name not in ("_name_or_path", "transformers_version")}
