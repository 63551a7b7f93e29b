"""One attempt at `geoformer` from start to end: read, build, train, evaluate, save, certify."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from pathlib import Path

import torch

from shared.modeling.bundle import FULL, BundleInfo
from shared.modeling.certificate import certify_bundle
from shared.modeling.geoformer.ensemble import Ensemble, Forecaster
from shared.modeling.geoformer.guess import FirstGuess
from shared.modeling.geoformer.lim import LinearInverseModel
from shared.modeling.geoformer.predictor import FAMILY, GeoformerPredictor, load
from shared.modeling.geoformer.seasonal import SeasonalModel
from shared.modeling.geoformer.spec import LIM, SEASONAL, GeoformerSpec
from shared.modeling.geoformer.storage import save_forecaster
from svc_train.recipes.base import Report, TrainingJob, TrainingResult
from svc_train.recipes.geoformer.baselines import baseline_forecasts
from svc_train.recipes.geoformer.config import GeoformerConfig
from svc_train.recipes.geoformer.data import OceanData, counts, read_data
from svc_train.recipes.geoformer.guesses import (
    Shape,
    choose_shape,
    fit_guess,
    fit_linear,
    fit_with_seasons,
    make_guesses,
)
from svc_train.recipes.geoformer.parent import take_weights
from svc_train.recipes.geoformer.plot import draw_skill
from svc_train.recipes.geoformer.sampling import WindowSampler
from svc_train.recipes.geoformer.skill import Skill, measure, skill_report
from svc_train.recipes.geoformer.task import GeoformerTask
from svc_train.recipes.hyperparameters import parse, resolved
from svc_train.recipes.training.loop import Trainer
from svc_train.recipes.training.workers import join_workers

SKILL_FILE, SKILL_PICTURE = "skill.json", "skill.png"

BASE_SEES_TEST = (
    "the usual year that anomalies depart from is made of %d of the %d scored months too, so they are not wholly "
    "unseen: ingest the file with -p base_end before test_start"
)

log = logging.getLogger(__name__)


def train(job: TrainingJob, report: Report) -> TrainingResult:
    """Train and leave a certified bundle in the job's `bundle_dir`.

    Raises:
        InvalidInputError: hyperparameters, data, parent or checkpoint are wrong.
        IntegrityError: the saved bundle does not answer as the trained model did.
        TrainingFailedError: the loss became NaN.
        StoppedTrainingError: the job was asked to stop.
        FollowerDoneError: another worker saves what they trained together.
    """
    config = parse(GeoformerConfig, job.hyperparameters)
    data = read_data(job, config)
    sizes = counts(data)
    log.info("training data: %s, channels: %s", sizes, ", ".join(data.channels))
    if data.scored_in_base:
        log.warning(BASE_SEES_TEST, data.scored_in_base, int(data.scored_T.sum()))
    workers = join_workers()
    torch.manual_seed(config.seed)
    shape = choose_shape(data, config)
    guess = fit_guess(data, config, shape, data.usable_T)
    ensemble = Ensemble(make_spec(data, config, _modes(guess)), dropout=config.dropout)
    take_weights(ensemble, job)
    forecaster = Forecaster(ensemble.to(workers.device), guess)
    task = GeoformerTask(
        network=ensemble,
        config=config,
        data=data,
        guesses=make_guesses(data, config, shape),
        measure=lambda: _skill(data, forecaster, config).metrics() if len(data.test) else {},
    )
    examples = WindowSampler(data, config)
    trainer = Trainer(task=task, examples=examples, config=config, job=job, report=report, workers=workers)
    outcome = trainer.train()
    skills = _skills(data, forecaster, config, shape)
    metrics = {**outcome.metrics, **_baseline_metrics(skills), **sizes, "lim_modes": shape.modes, "lim_lag": shape.lag}
    ensemble.cpu()
    save_forecaster(job.bundle_dir, _info(config, ensemble.spec, metrics), forecaster)
    _save_skill(job.bundle_dir, data, skills)
    served = load(job.bundle_dir, None, "cpu")
    certify_bundle(job.bundle_dir, trained=GeoformerPredictor(forecaster), served=served)
    return TrainingResult(
        metrics=metrics,
        total_steps=outcome.steps,
        tokens=outcome.tokens,
        epochs=outcome.epochs,
        device=workers.device.type,
    )


def make_spec(data: OceanData, config: GeoformerConfig, guess_modes: int) -> GeoformerSpec:
    """The networks these hyperparameters ask for, on the data's grid."""
    return GeoformerSpec(
        channels=data.channels,
        scales=data.scales,
        units=data.units,
        bases=data.bases,
        lat=tuple(data.lat.tolist()),
        lon=tuple(data.lon.tolist()),
        patch=(config.patch_rows, config.patch_columns),
        history=config.history,
        horizon=config.horizon,
        d_model=config.d_model,
        heads=config.heads,
        encoder_layers=config.encoder_layers,
        decoder_layers=config.decoder_layers,
        members=config.members,
        residual=config.residual,
        guess_modes=guess_modes,
    )


def _skill(data: OceanData, forecaster: Forecaster, config: GeoformerConfig) -> Skill:
    return measure(data, forecaster.forecast(*data.histories(data.test, config.history), config.horizon))


def _modes(guess: FirstGuess) -> int:
    """Patterns of a linear model."""
    lim = guess.patterns if isinstance(guess, SeasonalModel) else guess
    return len(lim.growth_KK) if isinstance(lim, LinearInverseModel) else 0


def _skills(data: OceanData, forecaster: Forecaster, config: GeoformerConfig, shape: Shape) -> dict[str, Skill]:
    """The forecaster's first, then those of what it has to beat; empty without a test period."""
    if not len(data.test):
        return {}
    models: dict[str, FirstGuess] = {
        LIM: fit_linear(data, shape, data.usable_T),
        SEASONAL: fit_with_seasons(data, config, data.usable_T),
    }
    baselines = baseline_forecasts(data, models, history=config.history, leads=config.horizon)
    others = {name: measure(data, forecasts) for name, forecasts in baselines.items()}
    return {FAMILY: _skill(data, forecaster, config), **others}


def _baseline_metrics(skills: Mapping[str, Skill]) -> dict[str, float]:
    return {
        name: value
        for baseline, skill in skills.items()
        if baseline != FAMILY
        for name, value in skill.metrics(baseline).items()
    }


def _save_skill(folder: Path, data: OceanData, skills: Mapping[str, Skill]) -> None:
    if not skills:
        return
    report = skill_report(data, skills)
    (folder / SKILL_FILE).write_text(json.dumps(report, indent=1, allow_nan=False) + "\n", encoding="utf-8")
    scored = " to ".join(report["scored"])
    draw_skill(folder / SKILL_PICTURE, skills, temperature=data.temperature, scored=scored)


def _info(config: GeoformerConfig, spec: GeoformerSpec, metrics: Mapping[str, float]) -> BundleInfo:
    return BundleInfo(
        family=FAMILY,
        recipe="geoformer",
        method=FULL,
        base=None,
        spec=spec.to_json(),
        lora={},
        hyperparameters=resolved(config),
        metrics=metrics,
        dtype="float32",
    )
