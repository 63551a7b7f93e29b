"""`plan-oracle`: what it makes follows its rule, and is the same each time."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from bench.planner_world import grid_profile
from shared.contracts.parameters import parse_parameters
from shared.errors import InvalidInputError, RetryableError
from shared.planning.oracle import room
from shared.planning.profile import Profile, read_profile, write_profile
from shared.planning.tasks import LANGUAGES, PHRASINGS
from shared.planning.values import RESOURCES, PlanInput
from svc_label.labelers.base import DatasetLabeler, MadeDataset, StoredDataset
from svc_label.labelers.catalogue import installed_labelers
from svc_label.labelers.plan_oracle import LABELER, PlanParameters
from tests.unit.shared.planning.profiles import profile_of

PROFILE = profile_of(
    [
        (tool, [size, cores, memory, sms, 2 * tool, round(900 * size / cores / (1 + memory) / (1 + sms), 3)])
        for tool in (0, 1)
        for size in (1, 4)
        for cores in (2, 8)
        for memory in (4, 16)
        for sms in (0, 10)
    ]
)


def made(folder: Path, profile: Profile = PROFILE, **chosen: Any) -> tuple[MadeDataset, dict[str, list[Any]]]:
    source, target = folder / "source", folder / "made"
    source.mkdir(exist_ok=True)
    target.mkdir(exist_ok=True)
    write_profile(profile, source)
    dataset = StoredDataset(name="profile", digest="a" * 64, kind="profile/v1", folder=source, meta={})
    parameters = parse_parameters(PlanParameters, {"samples": 300, **chosen})
    answer = LABELER.make(dataset, parameters, target, lambda: False)
    return answer, pq.read_table(target / "plans.parquet").to_pydict()


def test_it_is_installed() -> None:
    labeler = installed_labelers()["plan-oracle"]
    assert isinstance(labeler, DatasetLabeler)
    assert (labeler.kinds, labeler.makes) == (("profile/v1",), "plans/v1")


def test_the_facts_and_files_of_a_version(tmp_path: Path) -> None:
    answer, plans = made(tmp_path, window=5, test_share=0.2, gpu_memory_gb=24.0)
    assert (answer.kind, answer.rows) == ("plans/v1", 300)
    assert sorted(answer.files) == ["plans.parquet", "profile.parquet", "tools.json"]
    assert answer.meta == {
        "train": 240,
        "test": 60,
        "infeasible": plans["config_id"].count(-1),
        "window": 5,
        "capacity": {"cpu_cores": 10.0, "memory_gb": 20.0, "gpu_sm": 12.5, "gpu_memory_gb": 24.0},
        "profile": {"name": "profile", "digest": "a" * 64},
    }
    assert plans["split"] == ["train"] * 240 + ["test"] * 60
    assert len(set(plans["id"])) == 300
    assert read_profile(tmp_path / "made").numbers.tolist() == PROFILE.numbers.tolist()


def test_every_choice_fits_and_nothing_that_fits_is_faster(tmp_path: Path) -> None:
    answer, plans = made(tmp_path)
    capacity = np.array([answer.meta["capacity"][name] for name in RESOURCES])
    infeasible = 0
    for row in range(300):
        used = np.array(plans["used"][row], dtype=np.float32).reshape(16, 4)
        PlanInput(id="x", task=plans["task"][row], used=used)
        is_candidate = (PROFILE.tool_ids == plans["tool_id"][row]) & (PROFILE.input_sizes == plans["input_size"][row])
        fits = is_candidate & (PROFILE.needs <= room(used, capacity)).all(axis=1)
        config_id = plans["config_id"][row]
        if config_id < 0:
            infeasible += 1
            assert not fits.any()
            assert np.isnan(plans["latency_ms"][row])
        else:
            assert fits[config_id]
            assert plans["latency_ms"][row] == PROFILE.latency_ms[config_id] == PROFILE.latency_ms[fits].min()
    assert 0 < infeasible < 300
    assert infeasible == answer.meta["infeasible"]


def test_the_same_seed_makes_the_same_bytes(tmp_path: Path) -> None:
    first = {name: path.read_bytes() for name, path in made(tmp_path)[0].files.items()}
    assert {name: path.read_bytes() for name, path in made(tmp_path)[0].files.items()} == first
    assert made(tmp_path, seed=1)[0].files["plans.parquet"].read_bytes() != first["plans.parquet"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_test_split_is_phrased_as_training_never_is(tmp_path: Path, language: str) -> None:
    _, plans = made(tmp_path, language=language, test_share=0.5)
    parts = [sentence.split("{")[0] for sentence in PHRASINGS[language].held_out]
    for split, task in zip(plans["split"], plans["task"], strict=True):
        assert any(part in task for part in parts) is (split == "test")


def test_states_keep_their_distance_from_what_configurations_need(tmp_path: Path) -> None:
    answer, plans = made(tmp_path, margin=0.03)
    capacity = np.array([answer.meta["capacity"][name] for name in RESOURCES])
    used = np.array(plans["used"], dtype=np.float32).reshape(300, 16, 4)
    for row, free in enumerate(room(used, capacity)):
        needs = PROFILE.needs[PROFILE.tool_ids == plans["tool_id"][row]]
        assert (np.abs(free - needs) >= 0.03 * capacity - 1e-9).all()


def test_a_table_too_dense_for_the_margin_is_still_planned(tmp_path: Path) -> None:
    dense = profile_of([(0, [1, i / 10, 0, 0, 0, 100 - i / 10]) for i in range(100)], tools=1)
    assert made(tmp_path, dense, samples=20, margin=0.1)[0].rows == 20


def test_a_system_in_which_nothing_ever_fits_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match=r"parameters.cpu_cores: 1 is too little: .* at least 2"):
        made(tmp_path, cpu_cores=1)


def test_a_system_in_which_next_to_nothing_fits_is_refused_with_what_helps(tmp_path: Path) -> None:
    rows = [(0, [size, cores, 16, 0, 8, 100 / cores]) for size in (1, 2) for cores in (2 * size, 8)]
    with pytest.raises(InvalidInputError, match=r"parameters: in 1\d\d of 200 states .* nothing fits") as error:
        made(tmp_path, profile_of(rows, tools=1))
    found = dict(re.findall(r"(\w+)=([\d.]+)", str(error.value)))
    assert found == {"cpu_cores": "32", "memory_gb": "128", "gpu_memory_gb": "64"}
    answer, _ = made(tmp_path, profile_of(rows, tools=1), **{name: float(amount) for name, amount in found.items()})
    assert answer.meta["infeasible"] < 0.5 * answer.rows


@pytest.mark.parametrize(("samples", "share", "test"), [(5, 0.1, 1), (5, 0.0, 0), (5, 0.4, 2), (2, 0.5, 1)])
def test_each_split_that_is_asked_for_has_rows(tmp_path: Path, samples: int, share: float, test: int) -> None:
    answer, plans = made(tmp_path, samples=samples, test_share=share)
    assert (answer.meta["train"], answer.meta["test"]) == (samples - test, test)
    assert plans["split"] == ["train"] * (samples - test) + ["test"] * test


@pytest.mark.parametrize(("samples", "share"), [(1, 0.1), (20, 1.0), (20, 0.99)])
def test_plans_without_a_row_to_train_on_are_refused(tmp_path: Path, samples: int, share: float) -> None:
    with pytest.raises(InvalidInputError, match=r"parameters\.test_share: .* leaves none to train on: lower it, or"):
        made(tmp_path, samples=samples, test_share=share)


def test_the_grids_plans_are_drawn_as_ever(tmp_path: Path) -> None:
    _, plans = made(tmp_path, grid_profile(), samples=200)
    words = {name: plans[name] for name in ("id", "split", "task", "tool_id", "config_id", "input_size")}
    drawn = hashlib.sha256(json.dumps(words, ensure_ascii=False).encode())
    drawn.update(np.array(plans["used"], dtype=np.float32).tobytes())
    assert drawn.hexdigest() == "459378664aad2ef96a9bff2586b5fb9cba555144dc921f5613dec16c80929dfc"


def test_a_system_beyond_all_measure_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match=r"parameters\.memory_gb: 1e\+39 is out of range: use 0 to 1e\+12"):
        made(tmp_path, memory_gb=1e39)


def test_it_stops_when_told(tmp_path: Path) -> None:
    write_profile(PROFILE, tmp_path)
    (tmp_path / "made").mkdir()
    dataset = StoredDataset(name="p", digest="a" * 64, kind="profile/v1", folder=tmp_path, meta={})
    with pytest.raises(RetryableError):
        LABELER.make(dataset, PlanParameters(), tmp_path / "made", lambda: True)
