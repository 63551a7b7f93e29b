"""The catalogue beside MLflow: aliases, registering, lineage, search."""
