"""Fake services for the client and the command."""

from __future__ import annotations

import pytest

from tests.unit.upwell.fakes import running_services


@pytest.fixture
def services():
    with running_services() as fake:
        yield fake
