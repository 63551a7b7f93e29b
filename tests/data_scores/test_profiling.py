"""The importer of profiles on real runs of real tools (WfInstances), which are not part of the checkout."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import polars as pl
import pytest

from shared.planning.plans import PLANS_FILE
from shared.planning.profile import read_profile
from shared.planning.template import descriptions, parse_description
from svc_ingest.sources.base import NoParameters
from svc_ingest.sources.profile import SOURCE
from svc_label.labelers.base import StoredDataset
from svc_label.labelers.plan_oracle import LABELER, PlanParameters
from upwell.profile_grid import COLUMNS, write_zip

GIB = 2**30


@pytest.fixture(scope="module")
def runs(data_dir: Path) -> pl.DataFrame:
    """One row a tool and what it used: the cores kept busy, the peak of memory; there are no GPUs in it."""
    table = pl.read_csv(data_dir / "profiling/wfinstances_tasks.csv.gz", infer_schema_length=None)
    measured = table.select(
        pl.col("tool").cast(pl.String),
        (pl.col("input_bytes").cast(pl.Float64) / GIB).round(3).clip(lower_bound=0.001).alias("input_size"),
        (pl.col("avg_cpu_pct").cast(pl.Float64) / 100).round(1).alias("cpu_cores"),
        (pl.col("memory_bytes").cast(pl.Float64) / GIB).round(2).alias("memory_gb"),
        pl.lit(0.0).alias("gpu_sm"),
        pl.lit(0.0).alias("gpu_memory_gb"),
        (pl.col("runtime_s").cast(pl.Float64) * 1000).alias("latency_ms"),
    )
    usable = measured.drop_nulls().filter(pl.col("latency_ms") > 0)
    # Runs that used the same are one configuration with their median time.
    return usable.group_by(COLUMNS[:-1], maintain_order=True).agg(pl.col("latency_ms").median())


def test_tables_of_real_runs_are_imported_and_planned_for(runs: pl.DataFrame, tmp_path: Path) -> None:
    names = runs["tool"].unique(maintain_order=True).to_list()
    tools = json.dumps([{"name": name, "description": f"Runs {name}."} for name in names])
    write_zip(tmp_path / "real.zip", tools=tools.encode(), table=runs.select(COLUMNS).write_csv().encode())
    (tmp_path / "profile").mkdir()
    made = SOURCE.make(tmp_path / "real.zip", NoParameters(), tmp_path / "profile", lambda: False)
    profile = read_profile(tmp_path / "profile")
    sys.stdout.write(f"\n{made.meta}\n")
    assert made.rows == len(runs)
    assert [tool.name for tool in profile.tools] == names
    assert [parse_description(text)[0] for text in descriptions(profile)] == runs["tool"].to_list()

    (tmp_path / "plans").mkdir()
    dataset = StoredDataset(name="real", digest="0" * 64, kind=made.kind, folder=tmp_path / "profile", meta=made.meta)
    plans = LABELER.make(dataset, PlanParameters(samples=500), tmp_path / "plans", lambda: False)
    sys.stdout.write(f"{plans.meta}\n")
    chosen = pl.read_parquet(tmp_path / "plans" / PLANS_FILE)["config_id"]
    assert chosen.filter(chosen >= 0).n_unique() > 50
