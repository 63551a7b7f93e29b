"""Generated from the contracts in `proto/`."""
