"""An OceanChat to and from a bundle: adapters of the base, the encoder it reads fields with, and what joins them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from shared.errors import IntegrityError, InvalidInputError
from shared.modeling.bases import load_base
from shared.modeling.bundle import ADAPTER_FILE, HEADS_FILE, BundleInfo, check_base, read_tensors, save_bundle
from shared.modeling.geoformer.network import READING, Geoformer
from shared.modeling.lora import add_adapters, is_adapter, parse_lora
from shared.modeling.ocean_chat.network import OceanChat
from shared.modeling.ocean_chat.spec import parse_spec

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

# The encoder is kept in the bundle, so that a version serves without its parent.
GEOFORMER_FILE = "geoformer.safetensors"


def save_network(folder: Path, info: BundleInfo, network: OceanChat, tokenizer: PreTrainedTokenizerBase) -> None:
    """Write the bundle, apart from its certificate."""
    save_bundle(folder, info, tensors=_parts(network), tokenizer=tokenizer)


def load_network(folder: Path, base_dir: Path | None, info: BundleInfo) -> OceanChat:
    """Rebuild the network in float32 on the CPU, in eval mode; IntegrityError when anything does not fit."""
    spec = parse_spec(info.spec)
    # New layers get random weights, which are all replaced; the caller's random state must not notice.
    with torch.random.fork_rng(devices=[]):
        base = load_base(check_base(info, base_dir))
        try:
            add_adapters(base.decoder, parse_lora(info.lora))
        except InvalidInputError as error:
            raise IntegrityError(f"The bundle's adapters do not fit its base: {error}") from error
        network = OceanChat(Geoformer(spec.geoformer), base.model, spec)
    take_weights(network, folder)
    network.train(mode=False)
    return network


def take_weights(network: OceanChat, folder: Path) -> None:
    """Give a network of the bundle's shape what the bundle holds; IntegrityError when it does not fit."""
    modules = {ADAPTER_FILE: network.model, HEADS_FILE: network.adapter, GEOFORMER_FILE: network.geoformer}
    for name, part in _parts(network).items():
        stored = read_tensors(folder / name, shapes={key: tuple(tensor.shape) for key, tensor in part.items()})
        # The names were compared; what is absent here is in the base, or not needed for reading.
        modules[name].load_state_dict(stored, strict=False)


def _parts(network: OceanChat) -> Mapping[str, Mapping[str, Tensor]]:
    named = {name: parameter.detach() for name, parameter in network.model.named_parameters() if is_adapter(name)}
    reading = {name: tensor for name, tensor in network.geoformer.state_dict().items() if name.startswith(READING)}
    return {ADAPTER_FILE: named, HEADS_FILE: dict(network.adapter.state_dict()), GEOFORMER_FILE: reading}
