"""Upwell's tests."""
