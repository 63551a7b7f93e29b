"""Tests of the model code that train or start processes; the fast ones lie in tests/unit/modeling."""
