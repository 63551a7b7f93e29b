"""A fresh service a test; its tables are made once and copied."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.use_cases.label.world import World, fresh_world, make_tables


@pytest.fixture(scope="session")
def tables(tmp_path_factory) -> Path:
    return make_tables(tmp_path_factory.mktemp("tables") / "svc_label.db")


@pytest.fixture
def world(tables, tmp_path) -> Iterator[World]:
    with fresh_world(tables, tmp_path) as world:
        yield world
