"""Tests: svc_registry over gRPC."""
