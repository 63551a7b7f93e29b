"""Migrations of svc_infer, applied at its start."""
