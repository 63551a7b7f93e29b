"""Tests of svc_registry."""
