"""Tests of the graph in the languages of other tools."""
