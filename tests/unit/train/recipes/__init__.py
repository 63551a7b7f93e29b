"""Recipes and the parts of the child process."""
