"""Migrations of svc_registry, applied at its start."""
