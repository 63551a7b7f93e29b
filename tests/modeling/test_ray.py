"""A Ray cluster of two nodes trains what one process trains."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.modeling.children import end, start, write_job
from tests.modeling.jobs import spiked_job
from tests.modeling.test_workers import EVERY_STEP, losses

pytestmark = [pytest.mark.heavy, pytest.mark.timeout(300)]

# Ray's own process starts the nodes: what it warns of must not fail this one.
CLUSTER = """
import sys
from ray.cluster_utils import Cluster
cluster = Cluster()
for _ in range(2):
    cluster.add_node(num_cpus=1, num_gpus=0, object_store_memory=80 * 1024**2, include_dashboard=False)
print(cluster.address, flush=True)
sys.stdin.read()
cluster.shutdown()
"""


@pytest.fixture
def cluster() -> Iterator[str]:
    """The address of a cluster with two nodes of one core each: two workers do not fit on either."""
    environment = {**os.environ, "RAY_USAGE_STATS_ENABLED": "0", "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen(
        [sys.executable, "-c", CLUSTER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
    )
    assert process.stdout is not None
    yield process.stdout.readline().strip()
    process.communicate("", timeout=60)


def test_two_nodes_train_what_one_process_trains(tmp_path: Path, tiny_base: Path, cluster: str):
    job = spiked_job(tmp_path, base=tiny_base, **EVERY_STEP)
    (tmp_path / "2").mkdir()
    code, alone, log = end(start(write_job(tmp_path, job)))
    assert code == 0, log
    write_job(tmp_path / "2", job, checkpoints=True)
    code, together, log = end(
        subprocess.Popen(
            [sys.executable, "-m", "svc_train.child.ray", "--workers", "2", str(tmp_path / "2")],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "RAY_ADDRESS": cluster, "RAY_USAGE_STATS_ENABLED": "0"},
        ),
        timeout_s=240,
    )
    assert code == 0, log
    assert together[-1] == {"event": "completed"}
    assert losses(together) == pytest.approx(losses(alone), rel=1e-3)
    assert (tmp_path / "2" / "output" / "bundle" / "certificate.json").is_file()
    assert json.loads((tmp_path / "2" / "output" / "result.json").read_text())["total_steps"] == 6


def test_without_a_cluster_it_says_what_is_missing(tmp_path: Path):
    environment = {name: value for name, value in os.environ.items() if name != "RAY_ADDRESS"}
    code, [event], _ = end(
        subprocess.Popen(
            [sys.executable, "-m", "svc_train.child.ray", "--workers", "2", str(tmp_path)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment,
        )
    )
    assert code == 1
    assert (event["permanent"], event["detail"]) == (
        True,
        "launcher: 'ray' needs RAY_ADDRESS, the address of a Ray cluster",
    )
