"""Runs among processes that are killed at random: `python -m tests.chaos --seed 1 --kills 50 --runs 10`."""
