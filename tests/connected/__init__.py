"""Tests: connected."""
