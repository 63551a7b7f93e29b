"""Migrations of svc_label, applied at its start."""
