"""Tests: svc_registry against real servers."""
