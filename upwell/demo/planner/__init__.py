"""Planner: seven tools, 1,701 configurations, and a model that keeps them in its weights."""
