"""What holds on SQLite holds on PostgreSQL: the tests that touch SQL, once more."""

from __future__ import annotations

import pytest

from tests.use_cases.label.test_decide import *  # noqa: F403
from tests.use_cases.label.test_export import *  # noqa: F403
from tests.use_cases.label.test_made_series import *  # noqa: F403
from tests.use_cases.label.test_progress import *  # noqa: F403
from tests.use_cases.label.test_queue import *  # noqa: F403

pytestmark = pytest.mark.connected
