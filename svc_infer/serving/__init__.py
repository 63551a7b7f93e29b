"""Keeps versions loaded, names pointed at them, and one model thread busy."""
