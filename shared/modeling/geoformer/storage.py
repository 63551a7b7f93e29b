"""A Geoformer to and from a bundle."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from shared.modeling.bundle import MODEL_FILE, BundleInfo, read_tensors, save_bundle
from shared.modeling.geoformer.ensemble import Ensemble, Forecaster
from shared.modeling.geoformer.guess import FirstGuess, NoGuess
from shared.modeling.geoformer.lim import LinearInverseModel
from shared.modeling.geoformer.seasonal import SeasonalModel, features_of, lags_within
from shared.modeling.geoformer.spec import NONE, SEASONAL, GeoformerSpec, parse_spec

GUESS_FILE = "first_guess.safetensors"
PROJECT, EXPAND, GROWTH, WEIGHTS = "project", "expand", "growth", "weights"


def save_forecaster(folder: Path, info: BundleInfo, forecaster: Forecaster) -> None:
    """Write the bundle, apart from its certificate."""
    tensors = {MODEL_FILE: dict(forecaster.ensemble.state_dict())}
    if guess := _tensors(forecaster.guess):
        tensors[GUESS_FILE] = guess
    save_bundle(folder, info, tensors=tensors, tokenizer=None)


def load_forecaster(folder: Path, info: BundleInfo) -> Forecaster:
    """Rebuild it in float32 on the CPU, in eval mode; IntegrityError when anything does not fit."""
    spec = parse_spec(info.spec)
    # Random weights that are all replaced; the caller's random state must not notice.
    with torch.random.fork_rng(devices=[]):
        ensemble = Ensemble(spec)
    shapes = {name: tuple(tensor.shape) for name, tensor in ensemble.state_dict().items()}
    ensemble.load_state_dict(read_tensors(folder / MODEL_FILE, shapes=shapes))
    return Forecaster(ensemble.eval(), _load_guess(folder / GUESS_FILE, spec))


def _load_guess(path: Path, spec: GeoformerSpec) -> FirstGuess:
    if spec.residual == NONE:
        return NoGuess()
    modes, lags = spec.guess_modes, lags_within(spec.history)
    shapes: dict[str, tuple[int, ...]] = dict.fromkeys((PROJECT, EXPAND), (modes, *spec.shape))
    shapes[GROWTH] = (modes, modes)
    if spec.residual == SEASONAL:
        shapes[WEIGHTS] = (spec.horizon, features_of(lags, modes), modes)
    stored = {name: np.asarray(tensor.numpy()) for name, tensor in read_tensors(path, shapes=shapes).items()}
    lim = LinearInverseModel(project_KCYX=stored[PROJECT], expand_KCYX=stored[EXPAND], growth_KK=stored[GROWTH])
    return lim if WEIGHTS not in stored else SeasonalModel(patterns=lim, weights_FJK=stored[WEIGHTS], lags=lags)


def _tensors(guess: FirstGuess) -> dict[str, Tensor]:
    if isinstance(guess, SeasonalModel):
        return {**_tensors(guess.patterns), WEIGHTS: torch.from_numpy(guess.weights_FJK)}
    if not isinstance(guess, LinearInverseModel):
        return {}
    return {
        PROJECT: torch.from_numpy(guess.project_KCYX),
        EXPAND: torch.from_numpy(guess.expand_KCYX),
        GROWTH: torch.from_numpy(guess.growth_KK),
    }
