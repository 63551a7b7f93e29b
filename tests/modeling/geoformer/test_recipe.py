"""`geoformer` from monthly fields to a certified forecaster, on seas of a few cells."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from shared.errors import IntegrityError, InvalidInputError
from shared.fields.values import FieldInput
from shared.modeling.bundle import INFO_FILE, read_info
from shared.modeling.predictor import load_predictor
from svc_train.recipes.base import Checkpoint, ParentSource, Progress, TrainingJob, find_recipe
from svc_train.recipes.geoformer.config import GeoformerConfig, tiny
from svc_train.recipes.geoformer.data import read_data
from svc_train.recipes.geoformer.skill import Skill
from svc_train.recipes.hyperparameters import parse
from tests.modeling.geoformer.seas import LAT, LON, sea_job, travelling_wave, write_sea

pytestmark = pytest.mark.heavy

RECIPE = find_recipe("geoformer")
ONLY_ANOTHER_CHANNEL = np.stack([np.ones((6, 5, 11)), np.full((6, 5, 11), np.nan)], axis=1).astype(np.float32)


def trained(job: TrainingJob) -> tuple[list[Progress], Any]:
    told: list[Progress | Checkpoint] = []
    result = RECIPE.train(job, told.append)
    return [one for one in told if isinstance(one, Progress)], result


def copied(bundle: Path, folder: Path) -> Path:
    folder.mkdir()
    for path in bundle.iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    return folder


def wave_input(wave: np.ndarray, row: int, **changes: Any) -> FieldInput:
    """The six months up to a row of a wave whose months begin in 1990."""
    given: dict[str, Any] = {
        "id": "wave",
        "channels": ("sst",),
        "values": wave[row - 5 : row + 1, None],
        "lat": LAT,
        "lon": LON,
        "last_month": date(1990 + row // 12, row % 12 + 1, 1),
        "leads": 4,
    }
    return FieldInput(**given | changes)


def test_it_learns_where_a_wave_goes(tmp_path: Path) -> None:
    job = sea_job(tmp_path, residual="none", max_steps=90, learning_rate=1e-2, eval_steps=45, dropout=0.0, noise=0.0)
    progress, result = trained(job)
    assert progress[-1].loss < 0.5 * progress[0].loss
    metrics = result.metrics
    assert metrics["nino34_correlation_lead_04"] > 0.9
    assert metrics["nino34_correlation_lead_04"] > metrics["persistence_nino34_correlation_lead_04"] + 0.3
    assert metrics["nino34_rmse"] < 0.5 * metrics["damped_persistence_nino34_rmse"]
    # A wave is what a linear model describes best.
    assert metrics["lim_nino34_correlation_lead_04"] > 0.95
    wave = travelling_wave()
    [answer] = load_predictor(job.bundle_dir, None).predict([wave_input(wave, 130)])
    assert answer.months == (date(2000, 12, 1), date(2001, 1, 1), date(2001, 2, 1), date(2001, 3, 1))
    assert np.isnan(answer.values[:, 0, 0, :2]).all()
    sea = np.isfinite(wave[131])
    off = answer.values[:, 0, sea] - wave[131:135, sea]
    assert np.sqrt(np.mean(off**2)) < 0.5 * np.sqrt(np.mean((wave[130, sea] - wave[131:135, sea]) ** 2))
    # The grid ends 19 degrees short of Nino1+2 and 20 of Nino4.
    assert set(answer.nino) == {"nino34"}


def test_the_skill_is_saved_with_the_version(tmp_path: Path) -> None:
    job = sea_job(tmp_path, eval_steps=2)
    progress, result = trained(job)
    assert [p.step for p in progress if p.metrics] == [2, 4]
    info = read_info(job.bundle_dir)
    assert (info.family, info.recipe, info.method, info.base) == ("geoformer", "geoformer", "full", None)
    assert info.metrics == result.metrics
    assert (result.metrics["train_windows"], result.metrics["test_windows"]) == (114, 30)
    skill = json.loads((job.bundle_dir / "skill.json").read_bytes())
    assert (skill["scored"], skill["leads"]) == (["2000-01", "2002-06"], 4)
    assert list(skill["forecasts"]) == ["geoformer", "persistence", "damped_persistence", "lim", "seasonal"]
    for scores in skill["forecasts"].values():
        assert len(scores["nino34_correlation"]) == len(scores["rmse"]["sst"]) == 4
        # A window that starts in December is scored twice in this period, too seldom for a correlation.
        assert scores["nino34_correlation_by_start_month"][11][0] is not None
        assert scores["nino34_correlation_by_start_month"][7][0] is None
    assert (job.bundle_dir / "skill.png").read_bytes().startswith(b"\x89PNG")


def test_what_is_not_defined_is_no_metric() -> None:
    nothing = np.full(2, np.nan)
    skill = Skill(
        rmse_CF=nothing[None],
        correlation_F=np.array([0.8, np.nan]),
        index_rmse_F=np.array([0.5, 0.7]),
        correlation_MF=np.stack([nothing] * 12),
    )
    expected = {"nino34_correlation": 0.8, "nino34_correlation_lead_01": 0.8, "nino34_rmse": 0.6}
    errors = {"nino34_rmse_lead_01": 0.5, "nino34_rmse_lead_02": 0.7}
    assert skill.metrics() == pytest.approx(expected | errors)
    assert skill.metrics("lim") == pytest.approx({f"lim_{name}": value for name, value in expected.items()})
    undefined = replace(skill, correlation_F=nothing, index_rmse_F=nothing)
    assert undefined.metrics() == {}


def test_tiny_is_a_run_of_seconds_and_resumes_to_the_same_weights(tmp_path: Path) -> None:
    config = tiny()
    given = {"max_steps": config.max_steps, "noise": 0.1, "drop_months": 0.2, "members": 2, "checkpoint_steps": 3}
    job = replace(sea_job(tmp_path, **given), checkpoints_dir=tmp_path / "checkpoints")
    progress, _ = trained(job)
    assert len(progress) == config.max_steps
    again = replace(job, bundle_dir=tmp_path / "again", resume_from=tmp_path / "checkpoints" / "step-00000003")
    later, _ = trained(again)
    assert [p.loss for p in later] == [p.loss for p in progress[3:]]
    first, second = (load_file(folder / "model.safetensors") for folder in (job.bundle_dir, again.bundle_dir))
    assert all(np.array_equal(first[name], second[name]) for name in first)


def test_smoke_tries_everything_once_with_winds_that_end_early(tmp_path: Path) -> None:
    wave = travelling_wave()
    wind = 0.02 * travelling_wave(noise=0.2)
    wind[60:] = np.nan
    job = sea_job(
        tmp_path,
        {"sst": wave, "taux": wind},
        smoke=True,
        limit_train=20,
        limit_eval=5,
        precision="bfloat16",
        drop_channels=0.5,
        lim_modes=0,
        train_end="1999-06",
        test_start="2000-01",
    )
    progress, result = trained(job)
    assert len(progress) == 1
    assert "before_nino34_correlation" in progress[0].metrics
    assert (result.metrics["train_windows"], result.metrics["test_windows"]) == (108, 5)
    assert result.metrics["lim_modes"] >= 3
    values = np.stack([wave[125:131], np.full_like(wave[125:131], np.nan)], axis=1)
    given = wave_input(wave, 130, channels=("sst", "taux"), values=values)
    [answer] = load_predictor(job.bundle_dir, None).predict([given])
    assert np.isnan(answer.values[:, 1]).all()
    assert np.isfinite(answer.nino["nino34"]).all()


def test_it_goes_on_from_a_parent(tmp_path: Path) -> None:
    job = sea_job(tmp_path / "parent", residual="none", max_steps=15, learning_rate=5e-3)
    _, before = trained(job)
    parent = ParentSource(name="sea@1", run_id="r", folder=job.bundle_dir)
    child = replace(sea_job(tmp_path / "child", residual="none", max_steps=1, learning_rate=1e-8), parent=parent)
    _, after = trained(child)
    assert after.metrics["nino34_rmse"] == pytest.approx(before.metrics["nino34_rmse"], rel=1e-3)
    wrong = replace(sea_job(tmp_path / "wrong", d_model=8), parent=parent)
    with pytest.raises(InvalidInputError, match="d_model"):
        trained(wrong)
    fields = {"sst": travelling_wave(), "taux": travelling_wave()}
    with pytest.raises(InvalidInputError, match="reads sst, not sst, taux"):
        trained(replace(sea_job(tmp_path / "channels", fields), parent=parent))


def test_a_parent_that_read_other_anomalies_is_refused(small_bundle: Path, tmp_path: Path) -> None:
    job = replace(sea_job(tmp_path), parent=ParentSource(name="sea@1", run_id="r", folder=small_bundle))
    base = (date(1990, 1, 1), date(1999, 12, 1))
    folder = write_sea(tmp_path / "departing", {"sst": travelling_wave()}, base=base)
    said = "sst departs from the usual year of 1990-01 to 1999-12, sea@1 learnt one that came as anomalies"
    with pytest.raises(InvalidInputError, match=said) as caught:
        trained(replace(job, training_set=replace(job.training_set, folder=folder)))
    assert caught.value.violations[0].field == "parent"
    in_kelvin = copied(small_bundle, tmp_path / "in_kelvin")
    info = json.loads((in_kelvin / INFO_FILE).read_bytes())
    info["spec"]["units"] = ["K"]
    (in_kelvin / INFO_FILE).write_text(json.dumps(info), encoding="utf-8")
    with pytest.raises(InvalidInputError, match="sea@1 reads sst in K, not degC"):
        trained(replace(job, parent=ParentSource(name="sea@1", run_id="r", folder=in_kelvin)))


@pytest.mark.parametrize(
    ("changes", "field", "reason"),
    [
        ({"channels": ("taux",)}, "channels", "sst is missing; the model reads sst"),
        ({"values": travelling_wave()[:5, None]}, "values", "5 months; the model goes on from 6"),
        ({"lon": LON + 1}, "lon", "11 centres from 187 to 247; the model's grid has 11 centres from 186 to 246"),
        ({"units": ("K",)}, "units", "sst is in K; the model reads degC"),
        (
            {"bases": ("1997-01/1998-06",)},
            "bases",
            "1997-01 to 1998-06, the model learnt one that came as anomalies",
        ),
        ({"leads": 5}, "leads", "5 months ahead; the model looks 4 ahead"),
        ({"values": np.full((6, 1, 5, 11), np.nan, dtype=np.float32)}, "values", "nothing is known"),
        ({"channels": ("ssh", "sst"), "values": ONLY_ANOTHER_CHANNEL}, "values", "nothing is known of the last month"),
        ({"lat": LAT[:0], "values": np.zeros((6, 1, 0, 11), dtype=np.float32)}, "values", "at least one of each"),
        ({"last_month": date(9999, 11, 1)}, "last_month", "9999-11: the months must lie within the years 1 to 9999"),
    ],
)
def test_the_predictor_refuses_what_does_not_fit_the_model(
    small_bundle: Path, changes: dict[str, Any], field: str, reason: str
) -> None:
    predictor = load_predictor(small_bundle, None)
    with pytest.raises(InvalidInputError, match=reason) as caught:
        predictor.predict([wave_input(travelling_wave(), 20, **changes)])
    assert caught.value.violations[0].field == field


def test_a_version_says_what_its_anomalies_depart_from(small_bundle: Path, tmp_path: Path) -> None:
    given = wave_input(travelling_wave(), 20)
    [answer] = load_predictor(small_bundle, None).predict([given])
    assert (answer.units, answer.bases) == (("degC",), ("given",))
    metrics = read_info(small_bundle).metrics
    assert answer.nino_rmse == {"nino34": tuple(metrics[f"nino34_rmse_lead_{lead:02d}"] for lead in range(1, 5))}
    # Versions that were made before it was recorded go on serving.
    older = copied(small_bundle, tmp_path / "older")
    info = json.loads((older / INFO_FILE).read_bytes())
    del info["spec"]["units"], info["spec"]["bases"]
    (older / INFO_FILE).write_text(json.dumps(info), encoding="utf-8")
    [again] = load_predictor(older, None).predict([replace(given, bases=("1997-01/1998-06",))])
    np.testing.assert_array_equal(again.values, answer.values)
    assert (again.units, again.bases) == ((), ())


def test_what_is_asked_together_is_answered_as_alone(small_bundle: Path) -> None:
    predictor = load_predictor(small_bundle, None)
    wave = travelling_wave()
    inputs = [wave_input(wave, row, leads=leads) for row, leads in ((20, 4), (57, 2))]
    together = predictor.predict(inputs)
    for given, answer in zip(inputs, together, strict=True):
        [alone] = predictor.predict([given])
        np.testing.assert_array_equal(alone.values, answer.values)
        assert answer.values.shape[0] == given.leads


def test_a_certificate_finds_other_weights(small_bundle: Path, tmp_path: Path) -> None:
    bundle = copied(small_bundle, tmp_path / "bundle")
    tensors = load_file(bundle / "model.safetensors")
    tensors["members.0.head.bias"] = tensors["members.0.head.bias"] + 0.01
    save_file(tensors, bundle / "model.safetensors")
    with pytest.raises(IntegrityError, match=r"an anomaly is off by 0\.01"):
        load_predictor(bundle, None)


@pytest.mark.parametrize(
    ("fields", "hyperparameters", "reason"),
    [
        ({"taux": travelling_wave()}, {}, "taux hold no sst"),
        ({"sst": travelling_wave(12)}, {}, "12 months, 10 of them to learn from"),
        ({"sst": travelling_wave()}, {"channels": "sst,taux"}, "each once: sst"),
        ({"sst": travelling_wave()}, {"train_end": "2001-13"}, "no month such as 2004-12"),
        ({"sst": travelling_wave()}, {"test_end": "2001-01"}, "begins at no given month"),
        ({"sst": travelling_wave()}, {"test_start": "2020-01"}, "test_start: 2020-01 is behind the last month 2002-06"),
        ({"sst": travelling_wave()}, {"train_end": "2001-01", "test_start": "2000-12"}, "must not be learnt"),
    ],
)
def test_data_that_cannot_be_learnt_from_is_refused(
    tmp_path: Path, fields: dict[str, np.ndarray], hyperparameters: dict[str, Any], reason: str
) -> None:
    with pytest.raises(InvalidInputError, match=reason):
        trained(sea_job(tmp_path, fields, **hyperparameters))


def test_months_without_anything_known_are_learnt_around(tmp_path: Path) -> None:
    values = travelling_wave()
    values[40:42] = np.nan
    _, result = trained(sea_job(tmp_path, {"sst": values}, max_steps=1))
    assert result.metrics["lim_nino34_correlation_lead_01"] > 0.8


def test_all_months_are_learnt_from_where_that_is_asked_for(tmp_path: Path) -> None:
    job = sea_job(tmp_path, train_end="2002-06")
    data = read_data(job, parse(GeoformerConfig, job.hyperparameters))
    assert (data.usable_T.sum(), data.scored_T.sum(), len(data.test)) == (150, 0, 0)


def test_years_may_be_left_out_in_the_middle(tmp_path: Path) -> None:
    job = sea_job(tmp_path, test_start="1995-01", test_end="1996-12", train_end="2000-12")
    data = read_data(job, parse(GeoformerConfig, job.hyperparameters))
    assert (data.usable_T.sum(), data.scored_T.sum()) == (60 + 48, 24)
    assert not (data.usable_T & data.scored_T).any()
    # Windows of six months, and one more: none reaches over the years left out.
    assert data.train.tolist() == [*range(5, 59), *range(89, 131)]
    assert data.test.tolist() == list(range(59, 83))
    futures = data.futures(data.train[-1:], 4, data.usable_T)
    assert np.isfinite(futures).any(axis=(2, 3, 4)).tolist() == [[True, False, False, False]]


def test_a_base_period_that_holds_scored_months_is_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    job = sea_job(tmp_path, max_steps=1, residual="none")

    def departing_from(end: date) -> TrainingJob:
        folder = write_sea(tmp_path / f"to-{end}", {"sst": travelling_wave()}, base=(date(1990, 1, 1), end))
        return replace(job, training_set=replace(job.training_set, folder=folder))

    unseen = read_data(departing_from(date(1999, 12, 1)), parse(GeoformerConfig, job.hyperparameters))
    assert unseen.scored_in_base == 0
    trained(departing_from(date(2001, 6, 1)))
    skill = json.loads((job.bundle_dir / "skill.json").read_bytes())
    assert (skill["bases"], skill["scored_months_in_base"]) == ({"sst": "1990-01/2001-06"}, 18)
    assert "made of 18 of the 30 scored months too" in caplog.text


def test_a_grid_without_the_box_is_refused(tmp_path: Path) -> None:
    job = sea_job(tmp_path)
    folder = write_sea(tmp_path / "atlantic", {"sst": travelling_wave()}, lon=LON + 100)
    with pytest.raises(InvalidInputError, match=r"does not hold the Nino3\.4 box"):
        trained(replace(job, training_set=replace(job.training_set, folder=folder)))


@pytest.fixture(scope="module")
def small_bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A version of a few steps."""
    job = sea_job(tmp_path_factory.mktemp("small"))
    trained(job)
    return job.bundle_dir
