"""Bytes in, datasets out: reads series from files and announces them as datasets."""
