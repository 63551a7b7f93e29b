"""Recipes: named training procedures, found through entry points."""
