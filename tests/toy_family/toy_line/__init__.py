"""Straight lines through points: the smallest family there can be."""
