"""The labelers on the Numenta Anomaly Benchmark: a table, and what must hold of it."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from svc_label.labelers import robust, subsequence_pca
from upwell.scoring import hit_within, vus_pr

MAX_BUFFER = 100
SCORERS = ("robust", "subsequence-pca", "random")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LabelledFile:
    name: str
    values: np.ndarray
    labels: np.ndarray


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    vus_pr: float
    is_hit: bool


def read_files(folder: Path) -> Iterator[LabelledFile]:
    windows = json.loads((folder / "labels/combined_windows.json").read_text())
    for name, stretches in windows.items():
        table = pl.read_csv(folder / "data" / name, try_parse_dates=True)
        time = table["timestamp"].to_numpy().astype("datetime64[us]")
        labels = np.zeros(len(time), dtype=bool)
        for start, end in stretches:
            labels |= (time >= np.datetime64(start)) & (time <= np.datetime64(end))
        yield LabelledFile(name=name, values=table["value"].cast(pl.Float64).to_numpy(), labels=labels)


def scores_of(file: LabelledFile) -> dict[str, Score]:
    scores = {
        "robust": robust.point_scores(file.values, robust.RobustParameters()),
        "subsequence-pca": subsequence_pca.point_scores(file.values, subsequence_pca.SubsequencePcaParameters()),
        "random": np.random.default_rng(0).random(len(file.values)),
    }
    return {
        name: Score(vus_pr=vus_pr(file.labels, s, MAX_BUFFER), is_hit=hit_within(file.labels, s, 0))
        for name, s in scores.items()
    }


@pytest.fixture(scope="module")
def table(data_dir: Path) -> dict[str, dict[str, Score]]:
    files = list(read_files(data_dir / "nab"))
    assert len(files) > 20
    rows = {file.name: scores_of(file) for file in files if file.labels.any()}
    sys.stdout.write("\n\n" + "\n".join(lines_of(rows)) + "\n")
    return rows


def lines_of(table: dict[str, dict[str, Score]]) -> Iterator[str]:
    yield f"VUS-PR (buffer up to {MAX_BUFFER} rows; * = the top-scored row lies in an anomaly)"
    yield f"{'file':<62}" + "".join(f"{name:>17}" for name in SCORERS)
    for name, scores in table.items():
        yield f"{name:<62}" + "".join(f"{s.vus_pr:>16.3f}{'*' if s.is_hit else ' '}" for s in scores.values())
    yield f"{'median':<62}" + "".join(f"{median(table, name):>16.3f} " for name in SCORERS)
    yield f"{'hit rate':<62}" + "".join(f"{hit_rate(table, name):>16.2f} " for name in SCORERS)


def median(table: dict[str, dict[str, Score]], scorer: str) -> float:
    return float(np.median([scores[scorer].vus_pr for scores in table.values()]))


def hit_rate(table: dict[str, dict[str, Score]], scorer: str) -> float:
    return float(np.mean([scores[scorer].is_hit for scores in table.values()]))


@pytest.mark.parametrize(("labeler", "times_random"), [("robust", 1.2), ("subsequence-pca", 2.5)])
def test_a_labeler_beats_chance(table: dict[str, dict[str, Score]], labeler: str, times_random: float) -> None:
    assert median(table, labeler) > times_random * median(table, "random")
    assert hit_rate(table, labeler) > max(0.5, 2 * hit_rate(table, "random"))


def test_the_published_vus_pr_is_reproduced(data_dir: Path) -> None:
    """The benchmark's own sub-PCA, whose result is published, scored by us: scorer and labels agree with theirs."""
    file = data_dir / "tsb_ad/001_NAB_id_1_Facility_tr_1007_1st_2014.csv"
    values, labels = np.loadtxt(file, delimiter=",", skiprows=1, unpack=True)
    published = pl.read_csv(data_dir / "tsb_ad/uni_mergedTable_VUS-PR.csv").filter(pl.col("file") == file.name)
    window = 6  # the period that the benchmark's own rule finds in this series
    laid_out = np.lib.stride_tricks.sliding_window_view(values, window)
    standard = (laid_out - laid_out.mean(axis=0)) / laid_out.std(axis=0)
    variances, components = np.linalg.eigh(np.cov(standard.T))
    # Its score measures distances to the component vectors themselves, so their arbitrary signs matter.
    components *= np.sign(components[np.abs(components).argmax(axis=0), np.arange(window)])
    distances = np.linalg.norm(standard[:, :, None] - components[None], axis=1)
    scores = (distances * variances.sum() / variances).sum(axis=1)
    padded = np.pad(scores, (window // 2, (window - 1) // 2), mode="edge")
    reproduced = vus_pr(labels, padded, 2 * window, thresholds=250)
    theirs = published["Sub-PCA"][0]
    sys.stdout.write(f"\nVUS-PR of the benchmark's sub-PCA: published {theirs:.4f}, reproduced {reproduced:.4f}\n")
    assert reproduced == pytest.approx(theirs, abs=0.002)
