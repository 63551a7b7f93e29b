"""The runtime against real servers."""
