"""A planner-encoder to and from a bundle: the encoder, what it made of each configuration, and the profile.

- heads.safetensors: the encoder
- config_weights.safetensors: `config_weights` [configurations, H], by config_id
- reconstruction.json: how many descriptions the base regenerates from them
"""

# ruff: noqa: N806 - names end in their shape, in capitals

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from shared.contracts.canonical import canonical_json
from shared.modeling.bases import Base
from shared.modeling.bundle import HEADS_FILE, BundleInfo, read_tensors, save_bundle
from shared.modeling.planner.lookup import read_lookup, write_lookup
from shared.modeling.planner_encoder.network import PlannerEncoder
from shared.modeling.planner_encoder.spec import parse_spec
from shared.planning.profile import Profile

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

WEIGHTS_FILE, REPORT_FILE = "config_weights.safetensors", "reconstruction.json"
WEIGHTS = "config_weights"


def save_encoder(
    folder: Path,
    info: BundleInfo,
    network: PlannerEncoder,
    tokenizer: PreTrainedTokenizerBase,
    profile: Profile,
) -> None:
    """Write the bundle, apart from its certificate."""
    tensors = {
        HEADS_FILE: network.encoder.state_dict(),
        WEIGHTS_FILE: {WEIGHTS: config_weights(network, profile)},
    }
    save_bundle(folder, info, tensors=tensors, tokenizer=tokenizer)
    write_lookup(folder, profile)


def write_report(folder: Path, report: Mapping[str, Any]) -> None:
    """Write what can be read back from the embeddings into the bundle, as JSON values."""
    (folder / REPORT_FILE).write_bytes(canonical_json(report) + b"\n")
    (folder / REPORT_FILE).chmod(0o644)


@torch.inference_mode()
def config_weights(network: PlannerEncoder, profile: Profile) -> Tensor:
    """float32 [configurations, H]: what stands for each configuration, by config_id."""
    device = network.names_GH.device
    numbers_NM = torch.from_numpy(profile.numbers).float().to(device)
    return network.embed(torch.from_numpy(profile.tool_ids).long().to(device), numbers_NM).float().cpu()


def load_encoder(folder: Path, base: Base, info: BundleInfo) -> tuple[PlannerEncoder, Profile]:
    """The network over its base in eval mode, and its profile; IntegrityError when anything does not fit."""
    profile = read_lookup(folder)
    # New layers get random weights, which are all replaced; the caller's random state must not notice.
    with torch.random.fork_rng(devices=[]):
        network = PlannerEncoder(base, parse_spec(info.spec), profile)
    state = network.encoder.state_dict()
    shapes = {name: tuple(tensor.shape) for name, tensor in state.items()}
    network.encoder.load_state_dict(read_tensors(folder / HEADS_FILE, shapes=shapes))
    return network.eval(), profile


def read_config_weights(folder: Path, profile: Profile, *, hidden: int) -> Tensor:
    """float32 [configurations, H]; IntegrityError when they are absent, damaged or of another shape."""
    return read_tensors(folder / WEIGHTS_FILE, shapes={WEIGHTS: (len(profile.numbers), hidden)})[WEIGHTS]
