"""Tests of svc_ingest."""
