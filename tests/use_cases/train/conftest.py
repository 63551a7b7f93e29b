"""A fresh world for each test; the tables are made once."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from shared.runtime.database import Database
from shared.runtime.migrations import migrate
from svc_train.bootstrap import MIGRATIONS
from tests.use_cases.train.world import World


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("train") / "empty.db"
    database = Database(f"sqlite:///{path}", schema="svc_train")
    migrate(database, MIGRATIONS)
    database.dispose()
    return path


@pytest.fixture
def world(tmp_path: Path, empty_database: Path) -> Iterator[World]:
    shutil.copy(empty_database, tmp_path / "train.db")
    database = Database(f"sqlite:///{tmp_path / 'train.db'}", schema="svc_train")
    yield World(tmp_path, database)
    database.dispose()
