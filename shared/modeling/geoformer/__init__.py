"""The family `geoformer`: forecasts of gridded ocean fields."""
