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
    spec = parse_spec(info.spec)
    if info.method == LORA:
        decoder = load_base(check_base(info, base_dir)).decoder
        add_adapters(decoder, parse_lora(info.lora))
        network = SeriesLM(decoder, spec)
        state = network.state_dict()
        stored = read_tensors(folder / ADAPTER_FILE, shapes=_shapes(_adapters(state)))
        stored |= read_tensors(folder / HEADS_FILE, shapes=_shapes(_heads(state)))
    else:
        network = SeriesLM(_empty_decoder(folder), spec)
        stored = read_tensors(folder / MODEL_FILE, shapes=_shapes(network.state_dict()))
    # The names were compared above; what is absent here is the frozen base.
    network.load_state_dict(stored, strict=False)
    return network.eval()


def _empty_decoder(folder: Path) -> PreTrainedModel:
    read_json(folder / CONFIG_FILE)
    try:
        config = AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
        # Its initial weights are random and all replaced; the caller's random state must not notice.
        with torch.random.fork_rng(devices=[]):
            decoder: PreTrainedModel = AutoModel.from_config(  # type: ignore[no-untyped-call]
                config, trust_remote_code=False, dtype=torch.float32
            )
            return decoder
    except (ValueError, KeyError, TypeError, AttributeError, OSError) as error:
        raise IntegrityError(f"The bundle's {CONFIG_FILE} describes no language model: {error}") from error


def _adapters(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name: tensor for name, tensor in state.items() if is_adapter(name)}


def _heads(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name: tensor for name, tensor in state.items() if not name.startswith(DECODER)}


def _shapes(state: Mapping[str, Tensor]) -> dict[str, tuple[int, ...]]:
    return {name: tuple(tensor.shape) for name, tensor in state.items()}


def _portable(config: Mapping[str, Any]) -> dict[str, Any]:
    """The configuration without traces of the machine and the library that wrote it."""
    return {name: value for name, value in config.items() if name not in ("_name_or_path", "transformers_version")}
