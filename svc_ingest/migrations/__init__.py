"""Migrations of svc_ingest, applied at its start."""
