"""Benchmarks: each prints a table with ours, a peer or floor measured in the same run, and the ratio last."""
