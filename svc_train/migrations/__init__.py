"""Migrations of svc_train, applied at its start."""
