"""Tests of svc_label."""
