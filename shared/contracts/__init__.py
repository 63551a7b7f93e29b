"""Pure values that services agree on: ids, references, manifests, series, work. No I/O and no torch."""
