"""A fresh service a test; its tables are made once and copied."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from shared.runtime.database import Database
from shared.runtime.migrations import migrate
from svc_label.bootstrap import MIGRATIONS
from tests.use_cases.label.world import World


@pytest.fixture(scope="session")
def tables(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("tables") / "svc_label.db"
    database = Database(f"sqlite:///{path}", schema="svc_label")
    migrate(database, MIGRATIONS)
    database.dispose()
    return path


@pytest.fixture
def world(tables, tmp_path) -> Iterator[World]:
    shutil.copy(tables, tmp_path / "svc_label.db")
    database = Database(f"sqlite:///{tmp_path / 'svc_label.db'}", schema="svc_label")
    yield World(tmp_path, database)
    database.dispose()
