"""Tests of svc_registry's rules."""
