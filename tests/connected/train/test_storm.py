"""A short storm; `python -m tests.chaos` makes longer ones."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.chaos.storm import Plan, weather
from tests.support.postgres import running_postgres
from tests.support.servers import running_servers

pytestmark = [pytest.mark.connected, pytest.mark.heavy, pytest.mark.timeout(900)]


def test_runs_survive_a_short_storm(tmp_path: Path):
    plan = Plan(seed=3, kills=4, runs=2, steps=200, pause_s=4.0)
    # Servers of its own: they are killed.
    with running_servers(tmp_path) as servers, running_postgres() as postgres:
        seen = weather(plan, servers, postgres, tmp_path, tell=lambda _: None)
    assert seen.kills.total() == 4
