"""A Geoformer to and from a bundle."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from shared.modeling.bundle import MODEL_FILE, BundleInfo, read_tensors, save_bundle
from shared.modeling.geoformer.ensemble import Ensemble, Forecaster
from shared.modeling.geoformer.lim import LinearInverseModel
from shared.modeling.geoformer.spec import NONE, GeoformerSpec, parse_spec

LIM_FILE = "lim.safetensors"


def save_forecaster(folder: Path, info: BundleInfo, forecaster: Forecaster) -> None:
    """Write the bundle, apart from its certificate."""
    tensors = {MODEL_FILE: dict(forecaster.ensemble.state_dict())}
    if forecaster.lim is not None:
        tensors[LIM_FILE] = _tensors(forecaster.lim)
    save_bundle(folder, info, tensors=tensors, tokenizer=None)


def load_forecaster(folder: Path, info: BundleInfo) -> Forecaster:
    """Rebuild it in float32 on the CPU, in eval mode; IntegrityError when anything does not fit."""
    spec = parse_spec(info.spec)
    # Random weights that are all replaced; the caller's random state must not notice.
    with torch.random.fork_rng(devices=[]):
        ensemble = Ensemble(spec)
    shapes = {name: tuple(tensor.shape) for name, tensor in ensemble.state_dict().items()}
    ensemble.load_state_dict(read_tensors(folder / MODEL_FILE, shapes=shapes))
    return Forecaster(ensemble.eval(), None if spec.residual == NONE else _load_lim(folder / LIM_FILE, spec))


def _load_lim(path: Path, spec: GeoformerSpec) -> LinearInverseModel:
    modes = spec.lim_modes
    pattern = (modes, *spec.shape)
    shapes = {"project": pattern, "expand": pattern, "growth": (modes, modes)}
    stored = {name: tensor.numpy() for name, tensor in read_tensors(path, shapes=shapes).items()}
    return LinearInverseModel(project_KCYX=stored["project"], expand_KCYX=stored["expand"], growth_KK=stored["growth"])


def _tensors(lim: LinearInverseModel) -> dict[str, Tensor]:
    return {
        "project": torch.from_numpy(lim.project_KCYX),
        "expand": torch.from_numpy(lim.expand_KCYX),
        "growth": torch.from_numpy(lim.growth_KK),
    }
