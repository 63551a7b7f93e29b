"""The catalogue and its files on real servers."""
