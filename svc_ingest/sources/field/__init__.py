"""Gridded fields out of NetCDF and Zarr: monthly means on one grid, with their usual year, as `field/v1`."""
