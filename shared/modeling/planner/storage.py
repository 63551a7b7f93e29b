"""A planner to and from a bundle: adapters for its base, everything else that was trained, and the profile."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from shared.modeling.bases import load_base
from shared.modeling.bundle import ADAPTER_FILE, HEADS_FILE, BundleInfo, check_base, read_tensors, save_bundle
from shared.modeling.lora import adapters_of, add_adapters, parse_lora
from shared.modeling.planner.lookup import read_lookup, write_lookup
from shared.modeling.planner.network import PlannerLM
from shared.modeling.planner.spec import parse_spec
from shared.planning.profile import Profile

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

DECODER = "decoder."


def save_network(
    folder: Path, info: BundleInfo, network: PlannerLM, tokenizer: PreTrainedTokenizerBase, profile: Profile
) -> None:
    """Write the bundle, apart from its certificate."""
    save_bundle(folder, info, tensors=_parts(network.state_dict()), tokenizer=tokenizer)
    write_lookup(folder, profile)


def load_network(folder: Path, base_dir: Path | None, info: BundleInfo) -> tuple[PlannerLM, Profile]:
    """The network in float32 on the CPU, in eval mode, and its profile; IntegrityError when anything does not fit."""
    profile = read_lookup(folder)
    base = load_base(check_base(info, base_dir))
    # New layers get random weights, which are all replaced; the caller's random state must not notice.
    with torch.random.fork_rng(devices=[]):
        add_adapters(base.decoder, parse_lora(info.lora))
        network = PlannerLM(base.decoder, profile, parse_spec(info.spec), opening_id=base.opening_id)
    for name, part in _parts(network.state_dict()).items():
        stored = read_tensors(folder / name, shapes={key: tuple(tensor.shape) for key, tensor in part.items()})
        # The names were compared; what is absent here is in the other part, or in the base, which stays as it is.
        network.load_state_dict(stored, strict=False)
    return network.eval(), profile


def _parts(state: Mapping[str, Tensor]) -> dict[str, dict[str, Tensor]]:
    heads = {name: tensor for name, tensor in state.items() if not name.startswith(DECODER)}
    return {ADAPTER_FILE: adapters_of(state), HEADS_FILE: heads}
